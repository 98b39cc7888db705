// What the engine does for watchers. What it keeps of each is in Watcher::slot, see watcher_state.h.
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "loop/libuv/libuv_loop.h"
#include "loop/libuv/stat_watch.h"
#include "loop/signal_table.h"

namespace gevent {

// ---- starting -----------------------------------------------------------------------------------------------------

void LibuvLoop::begin(Watcher& watcher) noexcept {
  state_of(watcher).active = true;
  if (watcher.ref()) ++active_;
}

void LibuvLoop::end(Watcher& watcher) noexcept {
  state_of(watcher).active = false;
  if (watcher.ref()) --active_;
}

WatcherList& LibuvLoop::list_of(const Watcher& watcher) noexcept {
  switch (watcher.kind()) {
    case Watcher::Kind::kAsync:
      return asyncs_;
    case Watcher::Kind::kFork:
      return forks_;
    case Watcher::Kind::kPrepare:
      return prepares_;
    case Watcher::Kind::kCheck:
      return checks_;
    case Watcher::Kind::kIdle:
      return idles_[static_cast<std::size_t>(watcher.priority() + 2)];
    default:
      GEVENT_CHECK(false);
  }
}

void LibuvLoop::start(Watcher& watcher) noexcept {
  if (state_of(watcher).active) return;
  switch (watcher.kind()) {
    case Watcher::Kind::kIo: {
      Io& io = static_cast<Io&>(watcher);
      if (io.fd() < 0) return pending_.add(io, kErrorEvent | kRead | kWrite);
      descriptors_.start(io);
      break;
    }
    case Watcher::Kind::kTimer: {
      Timer& timer = static_cast<Timer&>(watcher);
      start_timer(timer, timer.after_s());
      break;
    }
    case Watcher::Kind::kSignal:
      if (!start_signal(static_cast<Signal&>(watcher))) return;
      break;
    case Watcher::Kind::kStat: {
      if (shared_with_parent()) reinit();  // the kernel's list of watched files is
      const auto on_change = [](Stat& stat) noexcept { stat.feed(kStatEvent); };
      unregistered_ = true;
      state_of(watcher).stat = new StatWatch(loop_, static_cast<Stat&>(watcher), on_change, heard_);
      break;
    }
    case Watcher::Kind::kAsync:
      sent_flag(static_cast<Async&>(watcher)).store(false);
      [[fallthrough]];
    default:
      list_of(watcher).add(watcher);
  }
  begin(watcher);
}

void LibuvLoop::start_timer(Timer& timer, double delay_s) noexcept {
  if (!timer.from_loop_time) update_now();
  timers_.add(timer, now_ + delay_s);
}

bool LibuvLoop::start_signal(Signal& signal) noexcept {
  const int signum = signal.signum;
  if (!SignalTable::acquire(*this, signum)) return false;
  std::unique_ptr<SignalHandle>& handle = signals_[static_cast<std::size_t>(signum)];
  if (handle == nullptr) {
    handle = std::make_unique<SignalHandle>();
    handle->loop = this;
    GEVENT_CHECK(uv_signal_init(&loop_, &handle->handle) == 0);
    handle->handle.data = handle.get();
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle->handle));
  }
  const auto on_signal = [](uv_signal_t* its, int) {
    const SignalHandle& self = *static_cast<SignalHandle*>(its->data);
    self.loop->heard_ = true;
    for (Watcher* watcher : self.watchers) self.loop->pending_.add(*watcher, kSignalEvent);
  };
  if (handle->watchers.empty() && uv_signal_start(&handle->handle, on_signal, signum) != 0) {
    SignalTable::release(signum, [] {});
    return false;
  }
  SignalTable::installed(signum);
  handle->watchers.add(signal);
  return true;
}

// ---- stopping -----------------------------------------------------------------------------------------------------

void LibuvLoop::stop(Watcher& watcher) noexcept {
  pending_.remove(watcher);
  if (!state_of(watcher).active) return;
  switch (watcher.kind()) {
    case Watcher::Kind::kIo:
      descriptors_.stop(static_cast<Io&>(watcher));
      break;
    case Watcher::Kind::kTimer:
      timers_.remove(static_cast<Timer&>(watcher));
      break;
    case Watcher::Kind::kSignal:
      stop_signal(static_cast<Signal&>(watcher));
      break;
    case Watcher::Kind::kStat:
      if (shared_with_parent()) reinit();
      delete std::exchange(state_of(watcher).stat, nullptr);
      break;
    default:
      list_of(watcher).remove(watcher);
  }
  end(watcher);
}

void LibuvLoop::stop_signal(Signal& signal) noexcept {
  SignalHandle& handle = *signals_[static_cast<std::size_t>(signal.signum)];
  handle.watchers.remove(signal);
  SignalTable::release(signal.signum, [&handle] {
    if (handle.watchers.empty()) uv_signal_stop(&handle.handle);
  });
}

void LibuvLoop::forget(Watcher& io) noexcept {
  const auto& its = state_of(io).io;
  if (its.events != 0) forget_fd(its.fd);
}

void LibuvLoop::forget_fd(int fd) noexcept {
  // In the child of a fork everything is given up anyway, once libuv has an epoll set of its own.
  if (!shared_with_parent()) descriptors_.forget(fd);
}

// ---- asking and nudging -------------------------------------------------------------------------------------------

void LibuvLoop::feed(Watcher& watcher, int revents) noexcept { pending_.add(watcher, revents); }

void LibuvLoop::set_ref(Watcher& watcher, bool ref) noexcept {
  if (state_of(watcher).active) active_ += ref ? 1 : -1;
}

void LibuvLoop::again(Timer& timer) noexcept {
  pending_.remove(timer);
  if (state_of(timer).active) {
    timers_.remove(timer);
    end(timer);
  }
  if (timer.repeat_s() <= 0) return;
  start_timer(timer, timer.repeat_s());
  begin(timer);
}

double LibuvLoop::due(const Timer& timer) const noexcept {
  const double at = state_of(timer).timer.at;
  return at != 0 ? at : timer.after_s();
}

void LibuvLoop::send(Async& async) noexcept {
  set_rung();
  sent_flag(async).store(true);
  any_sent_.store(true);
  if (asleep_.load()) wakeup_.ring();
}

bool LibuvLoop::sent(const Async& async) const noexcept { return sent_flag(const_cast<Async&>(async)).load(); }

}  // namespace gevent
