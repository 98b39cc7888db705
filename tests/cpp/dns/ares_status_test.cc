#include "dns/ares_status.h"

#include <ares.h>
#include <netdb.h>

#include "doctest/doctest.h"

using gevent::address_error;
using gevent::host_error;
using gevent::ResolverError;

TEST_CASE("a name that does not exist is the system's error for that, in its words") {
  for (const int status : {ARES_ENOTFOUND, ARES_ENONAME, ARES_EBADNAME, ARES_EBADSTR}) {
    const ResolverError address = address_error(status);
    CHECK(address.number == EAI_NONAME);
    CHECK(address.text == gai_strerror(EAI_NONAME));
    CHECK(address.is_final);
    const ResolverError host = host_error(status);
    CHECK(host.number == HOST_NOT_FOUND);
    CHECK(host.text == hstrerror(HOST_NOT_FOUND));
    CHECK(host.is_final);
  }
}

TEST_CASE("a name without what was asked for is another error where the system has one") {
#ifdef EAI_NODATA
  CHECK(address_error(gevent::kAresNoData).number == EAI_NODATA);
#else
  CHECK(address_error(gevent::kAresNoData).number == EAI_NONAME);
#endif
  CHECK(host_error(gevent::kAresNoData).number == NO_DATA);
  CHECK(address_error(gevent::kAresNoData).is_final);
}

TEST_CASE("where nobody could tell, c-ares' own words say why") {
  for (const int status : {ARES_ESERVFAIL, ARES_ETIMEOUT, ARES_ECONNREFUSED, ARES_EREFUSED, 999}) {
    const ResolverError address = address_error(status);
    CHECK(address.number == EAI_AGAIN);
    CHECK_FALSE(address.is_final);
    CHECK(address.text.starts_with(gai_strerror(EAI_AGAIN)));
    CHECK(host_error(status).number == TRY_AGAIN);
  }
  CHECK(address_error(ARES_ETIMEOUT).text ==
        std::string(gai_strerror(EAI_AGAIN)) + " (ARES_ETIMEOUT: " + ares_strerror(ARES_ETIMEOUT) + ")");
  CHECK(address_error(999).text.find("(c-ares error 999: ") != std::string::npos);
}

TEST_CASE("of a closed channel nobody needs to ask again") {
  CHECK(address_error(gevent::kAresDestroyed).number == EAI_FAIL);
  CHECK(host_error(gevent::kAresDestroyed).number == NO_RECOVERY);
  CHECK(address_error(gevent::kAresDestroyed).text.find("ARES_EDESTRUCTION") != std::string::npos);
}
