// One child process and everybody who waits for its end.
#pragma once
#include <memory>
#include <vector>

#include "loop/loop.h"
#include "sync/waiter.h"

namespace gevent {

// From the child's start until somebody has asked how it ended. Its end is noticed here, by whoever looks first: a loop
// that watches, poll(), or somebody else who reaped it and says so with end(). It is not reaped by that: until reap()
// the system knows it too, so that every way to wait for it works, by whomever.
//
// Several loops may watch one child, so that a thread can wait for a process that another thread started, even when
// that one has gone since. Callers take turns (the bindings hold the GIL); any thread.
class ChildProcess {
 public:
  // Called once, when the end is known and the waiters were woken; may destroy the ChildProcess.
  using OnEnd = void (*)(void* owner) noexcept;

  ChildProcess(int pid, OnEnd on_end, void* owner) noexcept : pid_(pid), on_end_(on_end), owner_(owner) {}
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() { reap(); }

  // Has `loop` look out for the end, and keep running until then if `ref`. Called again for the same loop, only `ref`
  // changes. Does nothing after the end.
  void watch(Loop& loop, bool ref);

  [[nodiscard]] bool watched_by(const Loop& loop) const noexcept;

  // Asks the system now, without waiting. Returns whether the process has ended.
  bool poll() noexcept;

  // Somebody reaped it, with this status (as waitpid() gives it).
  void end(int status) noexcept;
  // It is no child of this process, any more or since a fork: nobody will learn its status.
  void lose() noexcept;

  // If it has ended, lets the system forget it, unless somebody has seen to that. Does not wait.
  void reap() noexcept;

  [[nodiscard]] int pid() const noexcept { return pid_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] bool lost() const noexcept { return lost_; }  // ended as far as we are concerned, and status() is 0
  [[nodiscard]] int status() const noexcept { return status_; }

  WaitQueue waiters;  // woken by the end

 private:
  static void on_child(Watcher& watcher, int revents) noexcept;
  void note_end(int status) noexcept;
  Child* watcher_of(const Loop& loop) const noexcept;

  const int pid_;
  int status_ = 0;
  bool ended_ = false;
  bool lost_ = false;
  bool reaped_ = false;
  OnEnd on_end_;
  void* owner_;
  std::vector<std::unique_ptr<Child>> watchers_;  // one per loop, nearly always one
};

}  // namespace gevent
