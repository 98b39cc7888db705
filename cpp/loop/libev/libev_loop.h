// The loop on libev.
#pragma once
#include <ev.h>

#include <memory>

#include "base/result.h"
#include "loop/libev/fd_guard.h"
#include "loop/loop.h"
#include "loop/wakeup.h"

namespace gevent {

// `flags`: libev's EVFLAG_* and EVBACKEND_* numbers, 0 for the best backend. Fails with EINVAL when there is no such
// backend here, and with the system's error when descriptors run out. Every loop is one of ev_loop_new(): libev's own
// "default loop" would take SIGCHLD over.
Result<std::unique_ptr<Loop>> make_libev_loop(unsigned flags);

class LibevLoop final : public Loop {
 public:
  // At least, when there is nothing to be awake for at a certain time; see begin_time().
  static constexpr double kLongSleep_s = 3e6;

  // Takes `loop` over. `descriptor`: what it sleeps on, as far as known.
  LibevLoop(struct ev_loop* loop, unsigned flags, int descriptor) noexcept;
  ~LibevLoop() override;
  // Once, before anything else.
  Result<void> open_wakeup() noexcept;

  void wake_up() noexcept override;
  [[nodiscard]] double now() const noexcept override { return ev_now(loop_); }
  void update_now() noexcept override { ev_now_update(loop_); }
  void reinit() noexcept override;
  void hold() noexcept override { ++holds_, ev_ref(loop_); }
  void release() noexcept override { --holds_, ev_unref(loop_); }
  [[nodiscard]] LoopFacts facts() const noexcept override;
  void verify() noexcept override { ev_verify(loop_); }

  void start(Watcher& watcher) noexcept override;
  void stop(Watcher& watcher) noexcept override;
  void rest(Io& io) noexcept override;
  void feed(Watcher& watcher, int revents) noexcept override;
  [[nodiscard]] bool active(const Watcher& watcher) const noexcept override;
  [[nodiscard]] bool pending(const Watcher& watcher) const noexcept override;
  void set_ref(Watcher& watcher, bool ref) noexcept override;
  void again(Timer& timer) noexcept override;
  void send(Async& async) noexcept override;
  [[nodiscard]] bool sent(const Async& async) const noexcept override;
  [[nodiscard]] double due(const Timer& timer) const noexcept override;
  [[nodiscard]] bool watched(int fd) const noexcept override { return fd_guard_.watched(fd); }

 protected:
  bool poll(bool may_block) noexcept override;
  void close_engine() noexcept override;
  void let_go() noexcept override;

 private:
  static LibevLoop& of(struct ev_loop* loop) noexcept { return *static_cast<LibevLoop*>(ev_userdata(loop)); }
  template <typename Native>
  static void on_event(struct ev_loop* loop, Native* native, int revents) noexcept;
  static void on_release(struct ev_loop* loop) noexcept;
  static void on_acquire(struct ev_loop* loop) noexcept;
  static void on_invoke_pending(struct ev_loop* loop) noexcept;
  static void on_system_error(const char* message) noexcept;

  void initialize(Watcher& watcher) noexcept;
  void start_io(Io& io) noexcept;
  void start_timer(Timer& timer) noexcept;
  void start_signal(Signal& signal) noexcept;
  void start_stat(Stat& stat) noexcept;
  void count_out(Io& io) noexcept;
  void give_count_up(Watcher& watcher) noexcept;
  void take_count_back(Watcher& watcher) noexcept;
  void begin_time(Watcher& watcher) noexcept;
  void end_time(Watcher& watcher) noexcept;
  bool stop_watching_closed_descriptors() noexcept;

  struct ev_loop* loop_;
  Wakeup wakeup_;
  ev_io bell_;  // wakeup_ is readable
  FdGuard fd_guard_;
  unsigned flags_;
  int descriptor_;
  int holds_ = 0;
  int timed_ = 0;  // active watchers that libev has a time for
  int failed_polls_ = 0;
  bool may_block_ = false;
  bool before_poll_ = false;  // libev has not looked at changed descriptors yet in this iteration
};

}  // namespace gevent
