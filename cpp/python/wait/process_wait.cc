#include "python/wait/process_wait.h"

#include <array>
#include <cerrno>
#include <span>

#include "loop/process_end.h"
#include "python/wait/descriptor_wait.h"

namespace gevent {

ProcessWait wait_for_process(int pid, double timeout_s) noexcept {
  const Result<ProcessEnd> end = ProcessEnd::open(pid);
  if (!end) return end.error().code() == ESRCH ? ProcessWait::kEnded : ProcessWait::kCannotTell;
  std::array<AwaitedDescriptor, 1> awaited{{{end.value().fd(), kRead}}};
  if (wait_for_any(std::span(awaited), timeout_s) < 0) return ProcessWait::kFailed;
  return awaited[0].ready ? ProcessWait::kEnded : ProcessWait::kTimedOut;
}

}  // namespace gevent
