// Child processes for tests: forked, bounded in time, reaped.
#pragma once
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>

namespace gevent {

class Children {
 public:
  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
    while (!pids_.empty()) static_cast<void>(join());
  }

  // Runs `body` in a child, which ends with what that returns, or is killed after `seconds`.
  template <typename Body>
  pid_t start(Body body, unsigned seconds = 30) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::alarm(seconds);
      ::_exit(body());
    }
    pids_.push_back(pid);
    return pid;
  }

  // Waits for the first that was started and returns its exit status, or minus the signal that killed it.
  int join() {
    int status = 0;
    ::waitpid(pids_.front(), &status, 0);
    pids_.pop_front();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  std::deque<pid_t> pids_;
};

}  // namespace gevent
