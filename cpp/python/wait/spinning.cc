#include "python/wait/spinning.h"

#include "python/hub/hub_state.h"
#include "python/hub/thread_end.h"
#include "python/wait/parking.h"

namespace gevent {

constinit thread_local unsigned looks_left GEVENT_STATIC_TLS = kPatience;

int let_others_run() noexcept {
  forget_looks();
  if (interpreter_exits() || in_hub_or_without()) return 0;
  return sleep_for(0, true) == kFailed ? -1 : 0;
}

}  // namespace gevent
