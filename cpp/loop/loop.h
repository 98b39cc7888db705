// The event loop: one interface, two engines (libev/, libuv/).
#pragma once
#include <chrono>
#include <cstdint>

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
  // Returns true while active watchers with ref() remain.
  bool run(Mode mode) noexcept;
  void stop() noexcept { stop_requested_ = true; }

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

  // ---- time ---------------------------------------------------------------------------------------------------
  [[nodiscard]] virtual double now() const noexcept = 0;  // seconds since the epoch, at the last poll or update_now()
  virtual void update_now() noexcept = 0;

  // ---- fork ---------------------------------------------------------------------------------------------------
  virtual void reinit() noexcept = 0;  // in the child: keep the watchers, re-arm the engine
  void abandon() noexcept;             // in the child: from now on no call touches the engine
  [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }

  // ---- what a hub holds ----------------------------------------------------------------------------------------
  // Counts that keep run() from returning without a watcher, as ev_ref() and ev_unref().
  virtual void hold() noexcept = 0;
  virtual void release() noexcept = 0;

  LoopClient* client = nullptr;
  void* owner = nullptr;  // for the bindings

  // ---- for watchers: what an engine implements --------------------------------------------------------------------
  virtual void start(Watcher& watcher) noexcept = 0;
  virtual void stop(Watcher& watcher) noexcept = 0;
  virtual void feed(Watcher& watcher, int revents) noexcept = 0;
  [[nodiscard]] virtual bool active(const Watcher& watcher) const noexcept = 0;
  [[nodiscard]] virtual bool pending(const Watcher& watcher) const noexcept = 0;
  virtual void set_ref(Watcher& watcher, bool ref) noexcept = 0;
  virtual void again(Timer& timer) noexcept = 0;
  virtual void send(Async& async) noexcept = 0;  // any thread
  [[nodiscard]] virtual bool sent(const Async& async) const noexcept = 0;

 protected:
  Loop();

  // One iteration of the engine. Blocks only if `may_block`. Returns true while active watchers with ref() remain.
  virtual bool poll(bool may_block) noexcept = 0;

  void set_blocked(bool blocked) noexcept { blocked_ = blocked; }
  void detach_watchers() noexcept;  // engine destructors: every watcher's loop() becomes nullptr

 private:
  friend class Watcher;
  bool turn_has_time() noexcept;
  void begin_turn() noexcept;
  void run_ready() noexcept;

  Watcher* watchers_ = nullptr;
  std::chrono::steady_clock::time_point turn_end_{};
  std::uint64_t fork_generation_;
  int turn_budget_ = 0;
  bool stop_requested_ = false;
  bool blocked_ = false;
  bool abandoned_ = false;
};

}  // namespace gevent
