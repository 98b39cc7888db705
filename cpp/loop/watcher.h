// Watchers: what a loop can be asked to look out for.
#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/kernel.h"
#include "base/owned_fd.h"

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
inline constexpr int kCustomEvent = 0x1000000;
inline constexpr int kErrorEvent = static_cast<int>(0x80000000u);

// The base of all. A watcher belongs to one loop, lives at a fixed address (never on a C stack that
// may be switched away), and is stopped when it is destroyed.
//
// All calls come from the loop's own thread, with whatever lock guards the loop, unless a function
// says otherwise. A watcher outliving its loop, or belonging to a loop abandoned by a fork, may still
// be stopped and destroyed: that touches nothing.
class Watcher {
 public:
  enum class Kind : std::uint8_t {
    kIo,
    kTimer,
    kSignal,
    kAsync,
    kChild,
    kFork,
    kPrepare,
    kCheck,
    kIdle,
    kStat,
    kEventfd
  };

  // Called on the loop's thread from within Loop::run(); may start, stop or destroy any watcher, this one included.
  using Callback = void (*)(Watcher& watcher, int revents) noexcept;

  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] Loop* loop() const noexcept { return loop_; }  // nullptr once the loop is gone

  // Starting an active watcher and stopping an inactive one do nothing. A watcher whose loop is gone or abandoned
  // stays inactive.
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
  [[nodiscard]] bool usable() const noexcept;  // there is a loop, and it may be touched

  Loop* loop_;
  Watcher* next_of_loop_ = nullptr;  // every watcher of a loop is on its list, so that a dying loop can let go of them
  Watcher* previous_of_loop_ = nullptr;
  Kind kind_;
  bool ref_ = true;
  std::int8_t priority_ = 0;

 public:
  // For the engines only.
  bool unreferenced = false;                       // the engine has given up the count this watcher would hold
  bool timed = false;                              // the engine must not sleep past a time that this watcher has
  alignas(std::uint64_t) std::byte slot[48] = {};  // the engine's own watcher, or a pointer to it
};

// A descriptor is readable or writable. `events` is kRead, kWrite or both.
//
// A descriptor that turns out to be closed when the loop is about to hand it to the kernel stops the watcher, and the
// callback gets kErrorEvent | kRead | kWrite: whoever reads or writes then meets the error. (A descriptor closed later
// is silently forgotten by the kernel; stop the watcher before closing.)
class Io : public Watcher {
 public:
  Io(Loop& loop, int fd, int events, Callback callback, void* owner) noexcept
      : Watcher(Kind::kIo, loop, callback, owner), fd_(fd), events_(events) {}
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] int events() const noexcept { return events_; }
  // Requires: not active. Also says that `fd` may be another file than the last one of that number.
  void set(int fd, int events) noexcept { fd_ = fd, events_ = events, fresh = true; }
  // Stops it, and tells the engine to let go of the descriptor, which may be closed next. An engine may keep the kernel
  // looking after a stopped watcher for a while, because many are soon started again; the kernel, when another process
  // has the file too, does not notice that it was closed here. A destroyed watcher, and Loop::closing_fd(), do the
  // same.
  void forget() noexcept;

  // For the engines only.
  bool fresh = true;     // set since the engine last looked
  bool counted = false;  // the engine keeps book of it

  // For an owner who will most likely start this again soon: from now on it neither holds the loop nor means anything,
  // but the engine may keep watching, so that start() costs next to nothing. The callback is still called for an event,
  // and then has to stop() this. Does nothing when not active.
  void rest() noexcept;

 private:
  int fd_;
  int events_;
};

// Once after `after_s` seconds from the start, then, when `repeat_s` > 0, every so many seconds. Counted from the real
// time of start() and again(), or from Loop::now() when `from_loop_time` is set.
class Timer : public Watcher {
 public:
  Timer(Loop& loop, double after_s, double repeat_s, Callback callback, void* owner) noexcept
      : Watcher(Kind::kTimer, loop, callback, owner), after_s_(after_s), repeat_s_(repeat_s) {}
  [[nodiscard]] double after_s() const noexcept { return after_s_; }
  [[nodiscard]] double repeat_s() const noexcept { return repeat_s_; }
  void set(double after_s, double repeat_s) noexcept { after_s_ = after_s, repeat_s_ = repeat_s; }
  // Restarts from now with repeat_s, as ev_timer_again does; stops when repeat_s is 0.
  void again() noexcept;
  // When it will fire, was to fire last, or (never started) after_s; seconds on the engine's own monotonic clock.
  [[nodiscard]] double at() const noexcept;

  bool from_loop_time = false;

 private:
  double after_s_;
  double repeat_s_;
};

// A signal of this process. The engine takes the signal over at the first start() for that number, and gives it back to
// whoever had it (unless somebody else took it meanwhile) at the last stop(). A signal that is watched on another loop
// cannot be had: the watcher stays inactive.
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

// The end of one process. Through a ProcessEnd where there is one: works on any loop in any thread, and leaves SIGCHLD
// and other children alone. Without: SIGCHLD for as long as a Child is active, or, when another loop has that, by
// looking ten times a second.
//
// The child is reaped just before the callback, which comes once; then the watcher is inactive. With `leaves_unreaped`
// it is left for others to reap. When there is nothing to reap (somebody else was faster, or the process is no child of
// ours) the callback comes all the same, at once if the process is gone already, and rstatus is 0.
class Child : public Watcher {
 public:
  Child(Loop& loop, int pid, Callback callback, void* owner) noexcept;
  ~Child();
  const int pid;
  int rpid = 0;                  // 0 until the process has ended, then its pid
  int rstatus = 0;               // as waitpid() gives it
  bool leaves_unreaped = false;  // before start(): only look how it ended

 private:
  friend class Watcher;
  struct Fallback;
  struct Told;
  void begin() noexcept;
  void end() noexcept;
  void pass_on_ref() noexcept;
  void listen() noexcept;
  void begin_fallback(double period_s) noexcept;
  // How the process ended, reaped unless `leaves_unreaped`; ProcessEnd::kStillRunning if it has not.
  [[nodiscard]] int ask() const noexcept;
  void note_end(int status) noexcept;
  void look() noexcept;  // reaps if it can, and then reports
  void report() noexcept;
  static void on_exited(Watcher& exited, int revents) noexcept;

  bool active_ = false;
  Io exited_;  // the ProcessEnd is readable; also carries events that are fed
  std::unique_ptr<Told> told_;
  std::unique_ptr<Fallback> fallback_;
};

#ifdef GEVENT_HAVE_EVENTFD
// An eventfd's counter is above zero. The counter is taken (all of it, or 1 with EFD_SEMAPHORE) just before the
// callback, which finds it in `value`; when another process was faster there is no callback. Requires: `fd` is an
// eventfd with O_NONBLOCK, and stays open while the watcher is active.
class Eventfd : public Watcher {
 public:
  Eventfd(Loop& loop, int fd, Callback callback, void* owner) noexcept;
  ~Eventfd();
  [[nodiscard]] int fd() const noexcept { return readable_.fd(); }
  void forget() noexcept { readable_.forget(); }  // as Io::forget()
  std::uint64_t value = 0;                        // what was taken last

 private:
  friend class Watcher;
  void begin() noexcept;
  static void on_readable(Watcher& readable, int revents) noexcept;

  Io readable_;
};
#endif

// A file's attributes change. Looks every `interval_s` seconds at least (0: the engine's choice), sooner where the
// system tells of changes.
class Stat : public Watcher {
 public:
  Stat(Loop& loop, std::string path, double interval_s, Callback callback, void* owner)
      : Watcher(Kind::kStat, loop, callback, owner), path(std::move(path)), interval_s(interval_s) {}
  ~Stat() { stop(); }  // before `path`, which the engine may be looking at

  const std::string path;
  double interval_s;  // start() raises it to the least that the engine can do
  // As of the last change, and before it; st_nlink is 0 when there was no such file.
  struct stat attributes = {};
  struct stat previous = {};
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
