// Watchers: what a loop can be asked to look out for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace gevent {

class Loop;

// Event bits, the same numbers as libev's (gevent's public constants).
inline constexpr int kRead = 0x01;
inline constexpr int kWrite = 0x02;
inline constexpr int kIoFdSet = 0x80;
inline constexpr int kTimerEvent = 0x100;
inline constexpr int kSignalEvent = 0x400;
inline constexpr int kChildEvent = 0x800;
inline constexpr int kStatEvent = 0x1000;
inline constexpr int kIdleEvent = 0x2000;
inline constexpr int kPrepareEvent = 0x4000;
inline constexpr int kCheckEvent = 0x8000;
inline constexpr int kForkEvent = 0x20000;
inline constexpr int kAsyncEvent = 0x80000;
inline constexpr int kErrorEvent = static_cast<int>(0x80000000u);

// The base of all. A watcher belongs to one loop, lives at a fixed address (never on a C stack that
// may be switched away), and is stopped when it is destroyed.
//
// All calls come from the loop's own thread, with whatever lock guards the loop, unless a function
// says otherwise. A watcher outliving its loop, or belonging to a loop abandoned by a fork, may still
// be stopped and destroyed: that touches nothing.
class Watcher {
 public:
  enum class Kind : std::uint8_t { kIo, kTimer, kSignal, kAsync, kChild, kFork, kPrepare, kCheck, kIdle, kStat, kEventfd };

  // Called on the loop's thread from within Loop::run(); may start, stop or destroy any watcher, this one included.
  using Callback = void (*)(Watcher& watcher, int revents) noexcept;

  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] Loop* loop() const noexcept { return loop_; }  // nullptr once the loop is gone

  // Starting an active watcher and stopping an inactive one do nothing.
  void start() noexcept;
  void stop() noexcept;
  [[nodiscard]] bool active() const noexcept;
  [[nodiscard]] bool pending() const noexcept;  // its event happened, its callback is still to come
  void feed(int revents) noexcept;              // acts as if `revents` had happened

  // An active watcher with ref() keeps Loop::run() from returning. Default: true.
  [[nodiscard]] bool ref() const noexcept { return ref_; }
  void set_ref(bool ref) noexcept;

  // -2..2; higher is called first among those of one iteration. Requires: not active, not pending.
  [[nodiscard]] int priority() const noexcept { return priority_; }
  void set_priority(int priority) noexcept { priority_ = static_cast<std::int8_t>(priority); }

  Callback callback;
  void* owner;  // for the callback; the watcher does not look at it

 protected:
  Watcher(Kind kind, Loop& loop, Callback callback, void* owner) noexcept;
  ~Watcher();

 private:
  friend class Loop;
  Loop* loop_;
  Watcher* next_of_loop_ = nullptr;  // every watcher of a loop is on its list, so that a dying loop can let go of them
  Watcher* previous_of_loop_ = nullptr;
  Kind kind_;
  bool ref_ = true;
  std::int8_t priority_ = 0;

 public:
  // For the engines only.
  bool unreferenced = false;  // the engine has given up the count this watcher would hold
  alignas(std::max_align_t) std::byte slot[96] = {};  // the engine's own watcher, or a pointer to it
};

// A descriptor is readable or writable. `events` is kRead, kWrite or both.
class Io : public Watcher {
 public:
  Io(Loop& loop, int fd, int events, Callback callback, void* owner) noexcept
      : Watcher(Kind::kIo, loop, callback, owner), fd_(fd), events_(events) {}
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] int events() const noexcept { return events_; }
  void set(int fd, int events) noexcept { fd_ = fd, events_ = events; }  // Requires: not active.

 private:
  int fd_;
  int events_;
};

// Once after `after_s` seconds from the start, then, when `repeat_s` > 0, every so many seconds.
class Timer : public Watcher {
 public:
  Timer(Loop& loop, double after_s, double repeat_s, Callback callback, void* owner) noexcept
      : Watcher(Kind::kTimer, loop, callback, owner), after_s_(after_s), repeat_s_(repeat_s) {}
  [[nodiscard]] double after_s() const noexcept { return after_s_; }
  [[nodiscard]] double repeat_s() const noexcept { return repeat_s_; }
  void set(double after_s, double repeat_s) noexcept { after_s_ = after_s, repeat_s_ = repeat_s; }
  // Restarts from now with repeat_s, as ev_timer_again does; stops when repeat_s is 0.
  void again() noexcept;

 private:
  double after_s_;
  double repeat_s_;
};

class Signal : public Watcher {
 public:
  Signal(Loop& loop, int signum, Callback callback, void* owner) noexcept
      : Watcher(Kind::kSignal, loop, callback, owner), signum(signum) {}
  const int signum;
};

// send() may be called from any thread, and from a signal handler.
class Async : public Watcher {
 public:
  Async(Loop& loop, Callback callback, void* owner) noexcept : Watcher(Kind::kAsync, loop, callback, owner) {}
  void send() noexcept;
  [[nodiscard]] bool sent() const noexcept;
};

// The end of one process, a child of ours. Through a pidfd where there is one: works on any loop in any
// thread, and leaves SIGCHLD and other children alone. The child is reaped just before the callback.
class Child : public Watcher {
 public:
  Child(Loop& loop, int pid, Callback callback, void* owner) noexcept
      : Watcher(Kind::kChild, loop, callback, owner), pid(pid) {}
  const int pid;
  int rpid = 0;     // 0 until the process has ended, then its pid
  int rstatus = 0;  // as waitpid() gives it
};

// After a fork, in the child, when the loop first runs there.
class Fork : public Watcher {
 public:
  Fork(Loop& loop, Callback callback, void* owner) noexcept : Watcher(Kind::kFork, loop, callback, owner) {}
};

class Prepare : public Watcher {
 public:
  Prepare(Loop& loop, Callback callback, void* owner) noexcept : Watcher(Kind::kPrepare, loop, callback, owner) {}
};

class Check : public Watcher {
 public:
  Check(Loop& loop, Callback callback, void* owner) noexcept : Watcher(Kind::kCheck, loop, callback, owner) {}
};

class Idle : public Watcher {
 public:
  Idle(Loop& loop, Callback callback, void* owner) noexcept : Watcher(Kind::kIdle, loop, callback, owner) {}
};

}  // namespace gevent
