// The event loop: one interface, two engines (libev/, libuv/).
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/intrusive_list.h"
#include "loop/ready_queue.h"
#include "loop/watcher.h"

namespace gevent {

// What a loop needs from those above it. The bindings implement this with the GIL and Python's signals.
class LoopClient {
 public:
  // Around a poll that may block: give up / take back the lock that guards the loop.
  virtual void before_block() noexcept = 0;
  virtual void after_block() noexcept = 0;
  // Once an iteration, between the poll and the ready queue (signals, pending interrupts).
  virtual void turn() noexcept = 0;

 protected:
  ~LoopClient() = default;
};

// Wants to hear when a descriptor is about to be closed, though it has no Io for it. Any thread that holds the lock.
class ClosingListener : public ListNode {
 public:
  virtual void on_closing(int fd) noexcept = 0;

 protected:
  ~ClosingListener() = default;
};

// What can be said about an engine, for people and for gevent's public attributes.
struct LoopFacts {
  void* native;         // the engine's own loop
  unsigned flags;       // what it was made with
  unsigned backend;     // libev's BACKEND_* number, 0 where it has no meaning
  int descriptor;       // what the engine sleeps on (an epoll set), -1 when there is none or it cannot be known
  int active;           // watchers and holds that keep run() from returning
  unsigned pending;     // events whose callbacks are still to come
  unsigned iterations;  // polls so far
  unsigned depth;       // how many run()s are nested at this moment
  const char* wakeup;   // what another thread ends its sleep with, such as "eventfd"; nullptr when it has none
};

// One thread runs a loop; nothing in it is locked except wake_up() and Async::send().
//
// Loop::run() is: run what is ready, poll the engine (which calls watchers' callbacks), begin again; until nothing
// that is active holds it, nothing is ready, or stop() was called.
//
// After fork() the child's first touch re-arms the engine (generation check in run(), reinit()), or the loop is
// abandoned: then it is never run, stopped or destroyed again, and its watchers' stop() does nothing.
class Loop {
 public:
  enum class Mode { kDefault, kOnce, kNowait };

  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop();

  // ---- running ------------------------------------------------------------------------------------------------
  // Returns true while active watchers with ref() remain. Does nothing while another thread sleeps in this loop.
  bool run(Mode mode) noexcept;
  // Makes the innermost run() return, after the callbacks of this poll; with `all`, those around it too.
  void stop(bool all = false) noexcept { stop_requested_ = true, stop_all_requested_ |= all; }
  [[nodiscard]] bool running() const noexcept { return depth_ != 0; }

  // What to run next; push to it from the loop's thread, or from another one that holds the same lock, followed by
  // wake_up_if_blocked().
  ReadyQueue ready;

  // Consumes one unit of the turn: false when it is time to poll again, by count or by time (turn_length). Whoever
  // takes an entry off `ready` asks first, be it run() or a greenlet handing over to another.
  [[nodiscard]] bool may_run_another() noexcept {
    return --turn_budget_ > 0 && ((turn_budget_ & 0x7) != 0 || turn_has_time());
  }
  std::chrono::nanoseconds turn_length{5'000'000};

  // True between before_block() and after_block(): the loop's thread sleeps, or is about to.
  [[nodiscard]] bool blocked() const noexcept { return blocked_; }
  void wake_up_if_blocked() noexcept {
    if (blocked_) wake_up();
  }
  virtual void wake_up() noexcept = 0;  // any thread, or a signal handler
  // Whether wake_up() was called, or an Async sent, since the loop's thread went to sleep. Any thread.
  [[nodiscard]] bool rung() const noexcept { return rung_.load(std::memory_order_relaxed); }

  // ---- time ---------------------------------------------------------------------------------------------------
  [[nodiscard]] virtual double now() const noexcept = 0;  // seconds since the epoch, at the last poll or update_now()
  virtual void update_now() noexcept = 0;

  // ---- fork ---------------------------------------------------------------------------------------------------
  virtual void reinit() noexcept = 0;  // in the child: keep the watchers, re-arm the engine
  void abandon() noexcept;             // in the child: from now on no call touches the engine
  [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }

  // ---- the end ------------------------------------------------------------------------------------------------
  // Ends the engine, and with it all watchers. What is left is a shell for those who still hold a pointer to it: it
  // counts as abandoned, and what is pushed to `ready` is never run. Requires: not running().
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  // For those who hold pointers to it while they wait: how many they are.
  unsigned waiters = 0;

  // ---- what a hub holds ----------------------------------------------------------------------------------------
  // Counts that keep run() from returning without a watcher, as ev_ref() and ev_unref().
  virtual void hold() noexcept = 0;
  virtual void release() noexcept = 0;
  // How many of the holds and referenced watchers only wait for another thread: nothing will come of them by itself.
  unsigned idle_holds = 0;
  bool stalls = false;  // for those above: it has nothing to do, and goes on because another thread may come

  [[nodiscard]] virtual LoopFacts facts() const noexcept = 0;
  virtual void verify() noexcept {}  // stops the process if the engine's own data are damaged; for debugging

  // `fd` is about to be closed: every Io on it is stopped, and its callback gets the events it waits for, so that
  // whoever tries again meets the error. Returns whether there was one. Any thread that holds the lock. Costs next to
  // nothing when there is none.
  bool closing_fd(int fd) noexcept;
  // Are told too, whatever the descriptor.
  IntrusiveList<ClosingListener> closing_listeners;

  // What active Io watchers of `fd` wait for together. Looks at all watchers there are.
  [[nodiscard]] int awaited_events(int fd) noexcept;

  // Calls visit(Watcher&) for each there is; `visit` must not make, start, stop or destroy any.
  template <typename Visit>
  void visit_watchers(Visit visit) noexcept {
    for (Watcher* watcher = watchers_; watcher != nullptr; watcher = watcher->next_of_loop_) visit(*watcher);
  }

  LoopClient* client = nullptr;
  void* owner = nullptr;  // for the bindings

  // ---- for watchers: what an engine implements --------------------------------------------------------------------
  // Never called for kChild and kEventfd, which are made of other watchers, nor after abandon().
  virtual void start(Watcher& watcher) noexcept = 0;
  virtual void stop(Watcher& watcher) noexcept = 0;
  virtual void feed(Watcher& watcher, int revents) noexcept = 0;
  [[nodiscard]] virtual bool active(const Watcher& watcher) const noexcept = 0;
  [[nodiscard]] virtual bool pending(const Watcher& watcher) const noexcept = 0;
  virtual void set_ref(Watcher& watcher, bool ref) noexcept = 0;
  virtual void again(Timer& timer) noexcept = 0;
  virtual void send(Async& async) noexcept = 0;  // any thread
  [[nodiscard]] virtual bool sent(const Async& async) const noexcept = 0;
  [[nodiscard]] virtual double due(const Timer& timer) const noexcept = 0;  // Timer::at()
  virtual void rest(Io& io) noexcept { stop(io); }  // Io::rest(), for engines to which stopping and starting is dear
  // What an engine keeps registered for the descriptor of `io`, or just for `fd`, though nobody waits for it, is given
  // up. For those that keep something.
  virtual void forget(Watcher& io) noexcept { static_cast<void>(io); }
  virtual void forget_fd(int fd) noexcept { static_cast<void>(fd); }
  [[nodiscard]] virtual bool watched(int fd) const noexcept = 0;  // whether an Io of `fd` may be active

 protected:
  Loop();

  // One iteration of the engine. Blocks only if `may_block`. Returns true while active watchers with ref() remain.
  virtual bool poll(bool may_block) noexcept = 0;

  virtual void close_engine() noexcept = 0;  // for close()

  // In the child, as the engine's last act: gives back what belongs to the whole process (signal handlers). Touches no
  // descriptor.
  virtual void let_go() noexcept {}

  // Around the moment in which the engine sleeps. begin_block() returns false, having done nothing, when somebody made
  // something ready since the poll began: then the engine must not sleep.
  bool begin_block() noexcept;
  void end_block() noexcept;
  void set_rung() noexcept { rung_.store(true, std::memory_order_relaxed); }  // wake_up() and send(), first of all

  unsigned depth() const noexcept { return depth_; }
  bool stop_all_on(int fd, int revents) noexcept;  // as closing_fd(); `revents`: 0 for what each waits for
  void set_rearmed() noexcept;                     // engines' reinit(): this process's generation has been dealt with
  // This is a forked child, and the engine has not been re-armed: its descriptors are still shared with the parent.
  [[nodiscard]] bool shared_with_parent() const noexcept;
  void detach_watchers() noexcept;  // close_engine(): every watcher is stopped, and its loop() becomes nullptr

  // Calls visit(T&) for each watcher of `kind`, whose class T is. `visit` may stop watchers, but not make or destroy
  // any.
  template <typename T, typename Visit>
  void for_each(Watcher::Kind kind, Visit visit) noexcept {
    for (Watcher* watcher = watchers_; watcher != nullptr; watcher = watcher->next_of_loop_) {
      if (watcher->kind() == kind) visit(static_cast<T&>(*watcher));
    }
  }

  // How many watchers keep run() from returning. Looks at all there are.
  [[nodiscard]] int count_referenced() const noexcept;

 private:
  friend class Watcher;
  bool turn_has_time() noexcept;
  void begin_turn() noexcept;
  void run_ready() noexcept;
  void rearm_after_fork() noexcept;

  Watcher* watchers_ = nullptr;
  std::chrono::nanoseconds turn_end_{};
  std::uint64_t fork_generation_;
  int turn_budget_ = 0;
  unsigned depth_ = 0;
  bool stop_requested_ = false;
  bool stop_all_requested_ = false;
  bool blocked_ = false;
  std::atomic<bool> rung_ = false;
  bool abandoned_ = false;
  bool closed_ = false;
};

}  // namespace gevent
