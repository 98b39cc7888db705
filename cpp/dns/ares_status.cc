#include "dns/ares_status.h"

#include <ares.h>
#include <netdb.h>

#include <utility>

namespace gevent {

const int kAresNoData = ARES_ENODATA;
const int kAresDestroyed = ARES_EDESTRUCTION;

namespace {

#ifdef EAI_NODATA
constexpr int kNoAddress = EAI_NODATA;
#else
constexpr int kNoAddress = EAI_NONAME;
#endif

enum class Verdict { kNoSuchName, kNoData, kNobodyCouldTell, kNobodyIsAsked };

Verdict verdict_on(int status) noexcept {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
    case ARES_EBADNAME:
    case ARES_EBADSTR:
      return Verdict::kNoSuchName;
    case ARES_ENODATA:
      return Verdict::kNoData;
    case ARES_EDESTRUCTION:
      return Verdict::kNobodyIsAsked;
    default:
      return Verdict::kNobodyCouldTell;
  }
}

struct Name {
  int status;
  const char* name;
};

constexpr Name kNames[] = {
    {ARES_EFORMERR, "ARES_EFORMERR"},
    {ARES_ESERVFAIL, "ARES_ESERVFAIL"},
    {ARES_ENOTIMP, "ARES_ENOTIMP"},
    {ARES_EREFUSED, "ARES_EREFUSED"},
    {ARES_EBADQUERY, "ARES_EBADQUERY"},
    {ARES_EBADFAMILY, "ARES_EBADFAMILY"},
    {ARES_EBADRESP, "ARES_EBADRESP"},
    {ARES_ECONNREFUSED, "ARES_ECONNREFUSED"},
    {ARES_ETIMEOUT, "ARES_ETIMEOUT"},
    {ARES_EOF, "ARES_EOF"},
    {ARES_EFILE, "ARES_EFILE"},
    {ARES_ENOMEM, "ARES_ENOMEM"},
    {ARES_EDESTRUCTION, "ARES_EDESTRUCTION"},
    {ARES_EBADFLAGS, "ARES_EBADFLAGS"},
    {ARES_EBADHINTS, "ARES_EBADHINTS"},
    {ARES_ENOTINITIALIZED, "ARES_ENOTINITIALIZED"},
    {ARES_ECANCELLED, "ARES_ECANCELLED"},
    {ARES_ESERVICE, "ARES_ESERVICE"},
};

std::string name_of(int status) {
  for (const Name& each : kNames) {
    if (each.status == status) return each.name;
  }
  return "c-ares error " + std::to_string(status);
}

// c-ares' side of it, in parentheses.
std::string detail(int status) { return " (" + name_of(status) + ": " + ::ares_strerror(status) + ")"; }

using Words = const char* (*)(int number);

ResolverError error_of(int status, Verdict verdict, int number, Words words) {
  const bool is_final = verdict == Verdict::kNoSuchName || verdict == Verdict::kNoData;
  std::string text = words(number);
  if (!is_final) text += detail(status);
  return {number, std::move(text), is_final};
}

}  // namespace

ResolverError address_error(int status) {
  static constexpr int kNumbers[] = {EAI_NONAME, kNoAddress, EAI_AGAIN, EAI_FAIL};
  const Verdict verdict = verdict_on(status);
  return error_of(status, verdict, kNumbers[static_cast<int>(verdict)], ::gai_strerror);
}

ResolverError host_error(int status) {
  static constexpr int kNumbers[] = {HOST_NOT_FOUND, NO_DATA, TRY_AGAIN, NO_RECOVERY};
  const Verdict verdict = verdict_on(status);
  return error_of(status, verdict, kNumbers[static_cast<int>(verdict)], ::hstrerror);
}

}  // namespace gevent
