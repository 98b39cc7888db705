#include "base/version.h"

// What bindings of this release refer to.
extern "C" {
extern const char GEVENT_MP_SYMBOL;
const char GEVENT_MP_SYMBOL = 0;
}

namespace gevent {

const char* native_version() noexcept { return GEVENT_MP_VERSION; }

}  // namespace gevent
