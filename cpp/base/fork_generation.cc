#include "base/fork_generation.h"

#include <pthread.h>

#include "base/check.h"

namespace gevent {

std::uint64_t detail::fork_generation = 0;

namespace {

// Registered when the library is loaded, hence once, and before anything of ours can have looked.
const bool registered = [] {
  GEVENT_CHECK(::pthread_atfork(nullptr, nullptr, [] { ++detail::fork_generation; }) == 0);
  return true;
}();

}  // namespace
}  // namespace gevent
