#include "base/fork_generation.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace gevent;

TEST_CASE("each forked child is one generation on, and its parent stays where it was") {
  const auto here = fork_generation();
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    const bool child_knows = fork_generation() == here + 1;
    const int grandchild = ::fork();
    if (grandchild == 0) ::_exit(fork_generation() == here + 2 ? 0 : 1);
    int status = 1;
    ::waitpid(grandchild, &status, 0);
    ::_exit(child_knows && status == 0 ? 0 : 1);
  }
  int status = 1;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  CHECK(fork_generation() == here);
}
