#include "python/wait/process_wait.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("process wait: it is over when the process has ended, which stays for others to reap") {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  CHECK(wait_for_process(child, 0) == ProcessWait::kTimedOut);
  CHECK(wait_for_process(child, 0.001) == ProcessWait::kTimedOut);
  REQUIRE(::kill(child, SIGKILL) == 0);
  CHECK(wait_for_process(child, 30) == ProcessWait::kEnded);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(wait_for_process(child, 30) == ProcessWait::kEnded);  // there is none any more
}
