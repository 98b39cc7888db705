#include "python/spinning.h"

#include "python/hub_state.h"
#include "python/parking.h"
#include "python/thread_end.h"

namespace gevent {

constinit thread_local unsigned looks_left GEVENT_STATIC_TLS = kPatience;

int let_others_run() noexcept {
  forget_looks();
  const HubState* const hub = hub_state();
  if (hub == nullptr || hub->loop == nullptr || interpreter_exits() || in_hub()) return 0;
  return park_for(0, true) == kFailed ? -1 : 0;
}

}  // namespace gevent
