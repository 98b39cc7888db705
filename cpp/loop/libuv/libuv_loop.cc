// The engine's life: making, polling, forking, ending. What it does for watchers is in libuv_watchers.cc.
#include "loop/libuv/libuv_loop.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <limits>
#include <span>

#include "base/check.h"
#include "base/clock.h"

namespace gevent {

namespace {

// How long the difference between the two clocks is believed: somebody may set the clock.
constexpr double kEpochBelieved = 0.5;
// After that many polls whose readiness nobody heard of, something is registered that should not be.
constexpr unsigned kForNothingMax = 16;
// At most 2^6 polls in a row do not ask libuv before they sleep.
constexpr unsigned kMissesMax = 6;
// With more timers than that, it is worth more to wake up seldom than to wake up to the microsecond.
constexpr std::size_t kFewTimers = 32;
// Longer than anybody waits for a timer, short enough for every system call.
constexpr double kSleepMax = 1e6;

double seconds_of(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Waits until one of `entries` is ready, at most so many seconds (negative: any time). As poll(): errno tells more.
int wait_ready(std::span<pollfd> entries, double timeout_s) noexcept {
  const auto size = static_cast<nfds_t>(entries.size());
#ifdef __linux__
  timespec limit{};
  if (timeout_s > 0) {
    const double whole = std::floor(timeout_s);
    limit.tv_sec = static_cast<time_t>(whole);
    limit.tv_nsec = std::min(999'999'999L, static_cast<long>(std::ceil((timeout_s - whole) * 1e9)));
  }
  return ::ppoll(entries.data(), size, timeout_s < 0 ? nullptr : &limit, nullptr);
#else
  // Rounded up: a sleep must not end early.
  return ::poll(entries.data(), size, timeout_s < 0 ? -1 : static_cast<int>(std::ceil(timeout_s * 1e3)));
#endif
}

}  // namespace

Result<std::unique_ptr<Loop>> make_libuv_loop() {
  auto loop = std::make_unique<LibuvLoop>();
  const Result<void> opened = loop->open();
  if (!opened) return opened.error();
  return std::unique_ptr<Loop>(std::move(loop));
}

LibuvLoop::LibuvLoop() noexcept = default;

Result<void> LibuvLoop::open() noexcept {
  const Result<Wakeup::Kind> kind = Wakeup::preferred();
  if (!kind) return kind.error();
  const Result<void> opened = wakeup_.open(kind.value());
  if (!opened) return opened;
  if (const int error = uv_loop_init(&loop_); error != 0) return Error(-error, "uv_loop_init");
  if (const int error = uv_async_init(&loop_, &anchor_, nullptr); error != 0) {
    uv_loop_close(&loop_);
    return Error(-error, "uv_async_init");
  }
  open_ = true;
  update_now();
  return {};
}

LibuvLoop::~LibuvLoop() { close(); }  // of an abandoned one the descriptors are the parent's business

void LibuvLoop::close_engine() noexcept {
  if (!open_) return;
  if (shared_with_parent() || !engine_is_open()) make_engine_anew();
  detach_watchers();
  descriptors_.close();
  for (const auto& signal : signals_) {
    if (signal != nullptr) uv_close(reinterpret_cast<uv_handle_t*>(&signal->handle), nullptr);
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&anchor_), nullptr);
  while (uv_loop_close(&loop_) == UV_EBUSY) uv_run(&loop_, UV_RUN_NOWAIT);
  wakeup_.close();
}

// ---- one poll -------------------------------------------------------------------------------------------------------

bool LibuvLoop::poll(bool may_block) noexcept {
  ++iterations_;
  const bool called = call_pending();  // what was fed
  if (forked_) {
    forked_ = false;
    call_all_of(forks_, kForkEvent);
  }
  call_all_of(prepares_, kPrepareEvent);
  if (abandoned()) return false;
  const bool idle = std::any_of(idles_.begin(), idles_.end(), [](const WatcherList& list) { return !list.empty(); });
  look(may_block && !called && !idle && active_ > 0);
  update_now();
  gather();
  call_pending();
  return active_ > 0;
}

bool LibuvLoop::call_pending() noexcept {
  if (pending_.empty()) return false;
  return pending_.call_all([this] { return !abandoned(); });
}

void LibuvLoop::call_all_of(const WatcherList& watchers, int revents) noexcept {
  if (watchers.empty() || abandoned()) return;
  for (Watcher* watcher : watchers) pending_.add(*watcher, revents);
  call_pending();
}

void LibuvLoop::look(bool may_block) noexcept {
  bool changed = descriptors_.hand_over([this](Io& io) {
    stop(io);
    io.fresh = true;
    pending_.add(io, kErrorEvent | kRead | kWrite);
  });
  changed |= unregistered_;
  descriptors_.look_at_unpollable();
  if (!pending_.empty() || descriptors_.any_ready()) may_block = false;
  if (changed || busy_ || --patience_ == 0) {
    // libuv stops the process if somebody has closed its descriptor. While it is busy there is no time to ask.
    if (!busy_ && !engine_is_open()) return make_engine_anew();
    const bool hit = run_libuv();
    if (hit || may_block) {
      busy_ = hit;
      misses_ = hit ? 0 : std::min(misses_ + 1, kMissesMax);
    }
    patience_ = 1U << misses_;
    if (hit || !may_block) return;
  }
  sleep(may_block);
}

// Whether there was anything to report.
bool LibuvLoop::run_libuv() noexcept {
  heard_ = unregistered_ = false;
  uv_run(&loop_, UV_RUN_NOWAIT);
  return heard_;
}

void LibuvLoop::sleep(bool may_block) noexcept {
  double timeout_s = 0;
  if (may_block) {
    timeout_s = -1;
    if (!timers_.empty()) {
      update_now();
      timeout_s = std::clamp(timers_.next_at() - now_, 0.0, kSleepMax);
      if (timers_.size() > kFewTimers) timeout_s = std::ceil(timeout_s * 1e3) * 1e-3;
    }
    if (timeout_s != 0) {
      asleep_.store(true);
      // Something may have become ready since the poll began, in a prepare watcher's callback or another thread.
      if (woken_.load() || any_sent_.load() || !begin_block()) timeout_s = 0;
    }
  }
  std::array<pollfd, 2> entries{{{uv_backend_fd(&loop_), POLLIN, 0}, {wakeup_.fd(), POLLIN, 0}}};
  const int count = wait_ready(std::span(entries).first(may_block ? 2 : 1), timeout_s);
  asleep_.store(false, std::memory_order_relaxed);
  woken_.store(false, std::memory_order_relaxed);
  end_block();
  if (count <= 0) return;
  if ((entries[1].revents & POLLIN) != 0) wakeup_.hear();
  const int revents = entries[0].revents;
  if (((revents | entries[1].revents) & POLLNVAL) != 0) {
    // Somebody closed a descriptor that this sleeps on.
    make_engine_anew();
    return;
  }
  if (revents == 0) return;
  for_nothing_ = run_libuv() ? 0 : for_nothing_ + 1;
  // A file that was closed here, while another process has it, before its watcher was stopped: the kernel goes on about
  // it, and cannot be told to stop.
  if (for_nothing_ > kForNothingMax) make_engine_anew();
}

// Events go onto the list in the reverse of the order in which they are to be called.
void LibuvLoop::gather() noexcept {
  descriptors_.take_ready([this](Io& io, int revents) { pending_.add(io, revents); });
  if (any_sent_.load(std::memory_order_relaxed) && any_sent_.exchange(false)) {
    for (Watcher* watcher : asyncs_) {
      if (sent_flag(static_cast<Async&>(*watcher)).exchange(false)) pending_.add(*watcher, kAsyncEvent);
    }
  }
  expire_timers();
  queue_idle();
  for (Watcher* watcher : checks_) pending_.add(*watcher, kCheckEvent);
}

void LibuvLoop::expire_timers() noexcept {
  // `<`, because a repeating one that fell behind, and does not make up for it, is due now again.
  while (!timers_.empty() && timers_.next_at() < now_) {
    Timer& timer = timers_.next();
    expired_.push_back(&timer);
    if (timer.repeat_s() > 0) {
      timers_.move(timer, std::max(timers_.next_at() + timer.repeat_s(), now_));
    } else {
      timers_.remove(timer);
      end(timer);
    }
  }
  for (; !expired_.empty(); expired_.pop_back()) pending_.add(*expired_.back(), kTimerEvent);
}

void LibuvLoop::queue_idle() noexcept {
  for (int priority = 2; priority >= -2; --priority) {
    if (pending_.any_from(priority)) return;
    const WatcherList& idle = idles_[static_cast<std::size_t>(priority + 2)];
    if (idle.empty()) continue;
    for (Watcher* watcher : idle) pending_.add(*watcher, kIdleEvent);
    return;
  }
}

// ---- waking, time, forks --------------------------------------------------------------------------------------------

void LibuvLoop::wake_up() noexcept {
  if (abandoned()) return;
  set_rung();
  woken_.store(true);
  if (asleep_.load()) wakeup_.ring();
}

void LibuvLoop::update_now() noexcept {
  now_ = Clock::now_s();
  if (now_ < epoch_until_) return;
  epoch_until_ = now_ + kEpochBelieved;
  epoch_ = seconds_of(CLOCK_REALTIME) - now_;
}

void LibuvLoop::reinit() noexcept {
  set_rearmed();
  if (abandoned()) return;
  forked_ = true;
  make_engine_anew();
}

void LibuvLoop::make_engine_anew() noexcept {
  // First, so that libuv's new descriptors get other numbers. If there is none left it goes on with the one it has:
  // then a ring may be heard in the other process, and no more.
  static_cast<void>(wakeup_.reset().ok());
  descriptors_.before_fork_repair();
  GEVENT_CHECK(uv_loop_fork(&loop_) == 0);
  descriptors_.after_fork_repair();
  asleep_ = busy_ = false;
  unregistered_ = true;
  misses_ = for_nothing_ = 0;
  patience_ = 2;
}

bool LibuvLoop::engine_is_open() const noexcept { return ::fcntl(uv_backend_fd(&loop_), F_GETFD) >= 0; }

void LibuvLoop::let_go() noexcept {
  for_each<Signal>(Watcher::Kind::kSignal, [this](Signal& signal) { stop(signal); });
}

LoopFacts LibuvLoop::facts() const noexcept {
  void* const native = const_cast<uv_loop_t*>(&loop_);
  if (abandoned()) return LoopFacts{native, 0, 0, -1, 0, 0, 0, 0, nullptr};
  return LoopFacts{
      .native = native,
      .flags = 0,
      .backend = 0,
      .descriptor = uv_backend_fd(&loop_),
      .active = active_,
      .pending = static_cast<unsigned>(pending_.size()),
      .iterations = iterations_,
      .depth = depth(),
      .wakeup = wakeup_.name(),
  };
}

}  // namespace gevent
