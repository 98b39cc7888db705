#include "loop/child_look.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace gevent {

int look_at_child(int pid) noexcept {
  siginfo_t info{};
  int result;
  do {
    result = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return kNoSuchChild;
  if (info.si_pid == 0) return kChildRuns;
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_code == CLD_DUMPED ? info.si_status | 0x80 : info.si_status;
}

}  // namespace gevent
