// The loop on libuv.
#pragma once
#include <uv.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>

#include "base/result.h"
#include "loop/libuv/descriptor_table.h"
#include "loop/libuv/pending_events.h"
#include "loop/libuv/timer_heap.h"
#include "loop/libuv/watcher_list.h"
#include "loop/loop.h"
#include "loop/wakeup.h"

namespace gevent {

// Fails with the system's error when descriptors run out.
Result<std::unique_ptr<Loop>> make_libuv_loop();

// libuv looks after descriptors, signals, files and wake-ups from other threads; sleeping, timers and the order of
// callbacks are ours. README.md says why.
//
// libuv is only ever run without waiting, with the lock held, and no callback of ours runs within it: what it reports
// is noted, and called when it has returned. So a greenlet may be switched to from any callback (nothing on libuv's C
// stack is in use then), and another thread that holds the lock may start and stop watchers while this one sleeps.
class LibuvLoop final : public Loop {
 public:
  LibuvLoop() noexcept;
  ~LibuvLoop() override;
  // Once, before anything else.
  Result<void> open() noexcept;

  void wake_up() noexcept override;
  [[nodiscard]] double now() const noexcept override { return now_ + epoch_; }
  void update_now() noexcept override;
  void reinit() noexcept override;
  void hold() noexcept override { ++active_; }
  void release() noexcept override { --active_; }
  [[nodiscard]] LoopFacts facts() const noexcept override;

  void start(Watcher& watcher) noexcept override;
  void stop(Watcher& watcher) noexcept override;
  void feed(Watcher& watcher, int revents) noexcept override;
  [[nodiscard]] bool active(const Watcher& watcher) const noexcept override { return state_of(watcher).active; }
  [[nodiscard]] bool pending(const Watcher& watcher) const noexcept override { return state_of(watcher).pending != 0; }
  void set_ref(Watcher& watcher, bool ref) noexcept override;
  void again(Timer& timer) noexcept override;
  void send(Async& async) noexcept override;
  [[nodiscard]] bool sent(const Async& async) const noexcept override;
  [[nodiscard]] double due(const Timer& timer) const noexcept override;
  void forget(Watcher& io) noexcept override;
  void forget_fd(int fd) noexcept override;
  [[nodiscard]] bool watched(int fd) const noexcept override { return descriptors_.watched(fd); }

 protected:
  bool poll(bool may_block) noexcept override;
  void close_engine() noexcept override;
  void let_go() noexcept override;

 private:
  // The handle of one signal, which all its watchers share. Made at first use, for as long as the loop lives.
  struct SignalHandle {
    uv_signal_t handle;
    LibuvLoop* loop;
    WatcherList watchers;
  };

  // ---- one poll, step by step
  bool call_pending() noexcept;
  void call_all_of(const WatcherList& watchers, int revents) noexcept;
  void look(bool may_block) noexcept;
  bool run_libuv() noexcept;
  void sleep(bool may_block) noexcept;
  void gather() noexcept;
  void expire_timers() noexcept;
  void queue_idle() noexcept;

  // ---- watchers
  void begin(Watcher& watcher) noexcept;
  void end(Watcher& watcher) noexcept;
  void start_timer(Timer& timer, double delay_s) noexcept;
  bool start_signal(Signal& signal) noexcept;
  void stop_signal(Signal& signal) noexcept;
  WatcherList& list_of(const Watcher& watcher) noexcept;
  void make_engine_anew() noexcept;
  [[nodiscard]] bool engine_is_open() const noexcept;

  uv_loop_t loop_;
  uv_async_t anchor_;  // keeps libuv from finding that it has nothing to do
  Wakeup wakeup_;
  DescriptorTable descriptors_{loop_, heard_};
  PendingEvents pending_;
  TimerHeap timers_;
  WatcherList asyncs_, forks_, prepares_, checks_;
  std::array<WatcherList, 5> idles_;  // by priority
  std::array<std::unique_ptr<SignalHandle>, NSIG> signals_;
  std::vector<Timer*> expired_;

  double now_ = 0;          // seconds on the monotonic clock, as of the last poll or update_now()
  double epoch_ = 0;        // what has to be added to make them seconds since the epoch
  double epoch_until_ = 0;  // until when that is believed
  int active_ = 0;          // watchers with ref() that are active, and holds
  unsigned iterations_ = 0;
  // Asking libuv at once costs one system call when there is something to report, and sleeping first costs two; when
  // there is nothing it is the other way round. So what a poll does first depends on how it went lately.
  bool busy_ = false;         // asking at once was right the last time
  unsigned misses_ = 0;       // how often in a row it was wrong
  unsigned patience_ = 2;     // polls until it is tried again
  unsigned for_nothing_ = 0;  // times in a row that libuv had something to report, and nobody heard of it
  bool open_ = false;
  bool unregistered_ = true;  // libuv has descriptors of its own that it has not shown to the kernel
  bool forked_ = false;       // Fork watchers are still to be called
  bool heard_ = false;        // libuv has called a callback of ours since this was reset

  // How other threads and signal handlers wake this one: they set `woken_` (or an Async's flag and `any_sent_`), and
  // then ring `wakeup_` if `asleep_`; this thread sets `asleep_`, and then does not sleep if it finds
  // one of the others. All in one order, so one of the two sees the other.
  std::atomic<bool> asleep_ = false;
  std::atomic<bool> woken_ = false;
  std::atomic<bool> any_sent_ = false;
};

}  // namespace gevent
