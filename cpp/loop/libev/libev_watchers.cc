// What the engine does for watchers: each has its libev counterpart in Watcher::slot (a Stat, which is bigger, a
// pointer to it there). A slot of zeros is a libev watcher that was never made: stopping it or asking about it is
// harmless.
#include <unistd.h>

#include <utility>

#include "base/check.h"
#include "loop/libev/libev_loop.h"
#include "loop/signal_table.h"

namespace gevent {

namespace {

template <typename Native>
Native* native(Watcher& watcher) noexcept {
  static_assert(sizeof(Native) <= sizeof watcher.slot);
  static_assert(alignof(Native) <= alignof(Watcher));
  return reinterpret_cast<Native*>(watcher.slot);
}

ev_stat*& native_stat(Watcher& watcher) noexcept { return *reinterpret_cast<ev_stat**>(watcher.slot); }

// The part that all libev watchers have in common; nullptr for a Stat that was never made.
ev_watcher* common(Watcher& watcher) noexcept {
  if (watcher.kind() == Watcher::Kind::kStat) return reinterpret_cast<ev_watcher*>(native_stat(watcher));
  return native<ev_watcher>(watcher);
}

bool is_active(const Watcher& watcher) noexcept {
  const ev_watcher* const its = common(const_cast<Watcher&>(watcher));
  return its != nullptr && ev_is_active(its);
}

void set_native_priority(Watcher& watcher) noexcept {
  ev_watcher* const its = common(watcher);
  if (its->priority == watcher.priority() || ev_is_active(its) || ev_is_pending(its)) return;
  ev_set_priority(its, watcher.priority());
}

// Calls action(libev's watcher, start function, stop function) for the simple kinds: those with nothing to set.
template <typename Action>
void with_simple_kind(Watcher& watcher, Action action) noexcept {
  switch (watcher.kind()) {
    case Watcher::Kind::kAsync:
      return action(native<ev_async>(watcher), &ev_async_start, &ev_async_stop);
    case Watcher::Kind::kFork:
      return action(native<ev_fork>(watcher), &ev_fork_start, &ev_fork_stop);
    case Watcher::Kind::kPrepare:
      return action(native<ev_prepare>(watcher), &ev_prepare_start, &ev_prepare_stop);
    case Watcher::Kind::kCheck:
      return action(native<ev_check>(watcher), &ev_check_start, &ev_check_stop);
    case Watcher::Kind::kIdle:
      return action(native<ev_idle>(watcher), &ev_idle_start, &ev_idle_stop);
    default:
      GEVENT_CHECK(false);
  }
}

}  // namespace

template <typename Native>
void LibevLoop::on_event(struct ev_loop* loop, Native* native, int revents) noexcept {
  Watcher& watcher = *static_cast<Watcher*>(native->data);
  // A one-shot timer has stopped by itself, and a descriptor in error was stopped by libev.
  if (watcher.unreferenced && !ev_is_active(native)) of(loop).take_count_back(watcher);
  if constexpr (std::is_same_v<Native, ev_io>) {
    if ((revents & kErrorEvent) != 0 && !ev_is_active(native)) of(loop).count_out(static_cast<Io&>(watcher));
  }
  if constexpr (std::is_same_v<Native, ev_timer>) {
    if (!ev_is_active(native)) of(loop).end_time(watcher);
  }
  if constexpr (std::is_same_v<Native, ev_stat>) {
    Stat& stat = static_cast<Stat&>(watcher);
    stat.attributes = native->attr;
    stat.previous = native->prev;
  }
  watcher.callback(watcher, revents);
}

// ---- starting -----------------------------------------------------------------------------------------------------

void LibevLoop::initialize(Watcher& watcher) noexcept {
  const auto init = [&watcher](auto* its) {
    using Native = std::remove_pointer_t<decltype(its)>;
    if (its->cb != nullptr) return;
    ev_init(its, &LibevLoop::on_event<Native>);
    its->data = &watcher;
  };
  switch (watcher.kind()) {
    case Watcher::Kind::kIo:
      return init(native<ev_io>(watcher));
    case Watcher::Kind::kTimer:
      return init(native<ev_timer>(watcher));
    case Watcher::Kind::kSignal:
      return init(native<ev_signal>(watcher));
    case Watcher::Kind::kStat:
      if (native_stat(watcher) == nullptr) native_stat(watcher) = new ev_stat{};
      return init(native_stat(watcher));
    default:
      return with_simple_kind(watcher, [&init](auto* its, auto, auto) { init(its); });
  }
}

void LibevLoop::start(Watcher& watcher) noexcept {
  if (is_active(watcher)) {
    if (watcher.ref()) take_count_back(watcher);  // it was at rest
    return;
  }
  take_count_back(watcher);
  initialize(watcher);
  set_native_priority(watcher);
  switch (watcher.kind()) {
    case Watcher::Kind::kIo:
      start_io(static_cast<Io&>(watcher));
      break;
    case Watcher::Kind::kTimer:
      start_timer(static_cast<Timer&>(watcher));
      break;
    case Watcher::Kind::kSignal:
      start_signal(static_cast<Signal&>(watcher));
      break;
    case Watcher::Kind::kStat:
      start_stat(static_cast<Stat&>(watcher));
      break;
    default:
      with_simple_kind(watcher, [this](auto* its, auto start, auto) { start(loop_, its); });
  }
  give_count_up(watcher);
}

void LibevLoop::start_io(Io& io) noexcept {
  ev_io* const its = native<ev_io>(io);
  count_out(io);
  if (io.fd() < 0) return ev_feed_event(loop_, its, kErrorEvent | kRead | kWrite);
  // Setting makes libev tell the kernel in any case: only when the number may stand for another file.
  if (io.fresh) ev_io_set(its, io.fd(), io.events());
  ev_io_start(loop_, its);
  fd_guard_.started(io.fd(), io.events(), std::exchange(io.fresh, false));
  io.counted = true;
}

void LibevLoop::start_timer(Timer& timer) noexcept {
  if (!timer.from_loop_time) ev_now_update(loop_);
  ev_timer* const its = native<ev_timer>(timer);
  ev_timer_set(its, timer.after_s(), timer.repeat_s());
  ev_timer_start(loop_, its);
  begin_time(timer);
}

void LibevLoop::start_signal(Signal& signal) noexcept {
  if (!SignalTable::acquire(*this, signal.signum)) return;
  ev_signal* const its = native<ev_signal>(signal);
  ev_signal_set(its, signal.signum);
  ev_signal_start(loop_, its);
  SignalTable::installed(signal.signum);
}

void LibevLoop::start_stat(Stat& stat) noexcept {
  ev_stat* const its = native_stat(stat);
  ev_stat_set(its, stat.path.c_str(), stat.interval_s);
  ev_stat_start(loop_, its);
  begin_time(stat);
  stat.interval_s = its->interval;
  stat.attributes = its->attr;
  stat.previous = its->prev;
}

// ---- stopping -----------------------------------------------------------------------------------------------------

void LibevLoop::stop(Watcher& watcher) noexcept {
  take_count_back(watcher);
  switch (watcher.kind()) {
    case Watcher::Kind::kIo:
      count_out(static_cast<Io&>(watcher));
      return ev_io_stop(loop_, native<ev_io>(watcher));
    case Watcher::Kind::kTimer:
      end_time(watcher);
      return ev_timer_stop(loop_, native<ev_timer>(watcher));
    case Watcher::Kind::kSignal: {
      ev_signal* const its = native<ev_signal>(watcher);
      const auto uninstall = [this, its] { ev_signal_stop(loop_, its); };
      return ev_is_active(its) ? SignalTable::release(its->signum, uninstall) : uninstall();
    }
    case Watcher::Kind::kStat:
      if (native_stat(watcher) == nullptr) return;
      end_time(watcher);
      ev_stat_stop(loop_, native_stat(watcher));
      delete std::exchange(native_stat(watcher), nullptr);
      return;
    default:
      with_simple_kind(watcher, [this](auto* its, auto, auto stop) { stop(loop_, its); });
  }
}

void LibevLoop::rest(Io& io) noexcept {
  if (io.unreferenced || !is_active(io)) return;
  io.unreferenced = true;
  ev_unref(loop_);
}

void LibevLoop::count_out(Io& io) noexcept {
  if (!std::exchange(io.counted, false)) return;
  const ev_io* const its = native<ev_io>(io);  // Io::set() may have been called since
  fd_guard_.stopped(its->fd, its->events);
}

// ---- asking and nudging -------------------------------------------------------------------------------------------

bool LibevLoop::active(const Watcher& watcher) const noexcept { return is_active(watcher); }

bool LibevLoop::pending(const Watcher& watcher) const noexcept {
  const ev_watcher* const its = common(const_cast<Watcher&>(watcher));
  return its != nullptr && ev_is_pending(its);
}

void LibevLoop::feed(Watcher& watcher, int revents) noexcept {
  initialize(watcher);
  set_native_priority(watcher);
  ev_feed_event(loop_, common(watcher), revents);
}

void LibevLoop::set_ref(Watcher& watcher, bool ref) noexcept {
  if (ref) {
    take_count_back(watcher);
  } else {
    give_count_up(watcher);
  }
}

// libev counts every active watcher. For one without ref() that count is given up as long as it is active; when libev
// stops a watcher by itself it takes one count off, and what was given up has to be returned first thing after.
void LibevLoop::give_count_up(Watcher& watcher) noexcept {
  if (watcher.ref() || watcher.unreferenced || !is_active(watcher)) return;
  watcher.unreferenced = true;
  ev_unref(loop_);
}

void LibevLoop::take_count_back(Watcher& watcher) noexcept {
  if (!std::exchange(watcher.unreferenced, false)) return;
  ev_ref(loop_);
}

// libev sleeps for a minute at most when it has no timers, and for that the kernel sets and clears a timer around each
// sleep: 0.3 us of the 12 that accepting a connection takes. Made to sleep for at least a month it does without, where
// that overflows the milliseconds of epoll_wait() to a negative number, and elsewhere is woken no more in vain. Timers
// would be held up as long: from the first that is started to the last that is stopped there is no such minimum.
void LibevLoop::begin_time(Watcher& watcher) noexcept {
  if (!std::exchange(watcher.timed, true) && timed_++ == 0) ev_set_timeout_collect_interval(loop_, 0);
}

void LibevLoop::end_time(Watcher& watcher) noexcept {
  if (std::exchange(watcher.timed, false) && --timed_ == 0) ev_set_timeout_collect_interval(loop_, kLongSleep_s);
}

void LibevLoop::again(Timer& timer) noexcept {
  take_count_back(timer);
  initialize(timer);
  if (!timer.from_loop_time) ev_now_update(loop_);
  set_native_priority(timer);
  ev_timer* const its = native<ev_timer>(timer);
  its->repeat = timer.repeat_s();
  ev_timer_again(loop_, its);
  ev_is_active(its) ? begin_time(timer) : end_time(timer);
  give_count_up(timer);
}

double LibevLoop::due(const Timer& timer) const noexcept {
  const ev_timer* const its = native<ev_timer>(const_cast<Timer&>(timer));
  return its->cb != nullptr ? its->at : timer.after_s();
}

void LibevLoop::send(Async& async) noexcept {
  set_rung();
  ev_async_send(loop_, native<ev_async>(async));
}

bool LibevLoop::sent(const Async& async) const noexcept {
  return ev_async_pending(native<ev_async>(const_cast<Async&>(async))) != 0;
}

}  // namespace gevent
