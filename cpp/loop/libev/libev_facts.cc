#include "loop/libev/libev_facts.h"

#include <ev.h>

namespace gevent {

LibevFacts libev_facts() noexcept {
  return {::ev_version_major(),      ::ev_version_minor(),        EV_VERSION_MAJOR,          EV_VERSION_MINOR,
          ::ev_supported_backends(), ::ev_recommended_backends(), ::ev_embeddable_backends()};
}

}  // namespace gevent
