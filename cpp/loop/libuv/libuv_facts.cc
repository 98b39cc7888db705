#include "loop/libuv/libuv_facts.h"

#include <uv.h>

namespace gevent {

LibuvFacts libuv_facts() noexcept {
  return {::uv_version_string(), UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH};
}

}  // namespace gevent
