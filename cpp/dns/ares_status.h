// What c-ares' numbers mean: which error of the system's resolver each of them is.
#pragma once
#include <string>

namespace gevent {

extern const int kAresNoData;     // there is such a name, but nothing of what was asked for
extern const int kAresDestroyed;  // the channel was closed

struct ResolverError {
  int number;
  std::string text;  // the system's words; where nobody could tell, also c-ares' number and words
  bool is_final;     // says something about the name, rather than that nobody could tell
};

// For a question about the addresses of a name, or about a service: `number` is one of EAI_*. Requires: status != 0.
[[nodiscard]] ResolverError address_error(int status);
// For one about the name of an address: one of those of h_errno. Requires: status != 0.
[[nodiscard]] ResolverError host_error(int status);

}  // namespace gevent
