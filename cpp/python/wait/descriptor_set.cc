#include "python/wait/descriptor_set.h"

#include <Python.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <memory>

#include "base/clock.h"
#include "base/owned_fd.h"
#include "python/wait/parking.h"

namespace gevent {
namespace {

constexpr short kReadEvents = POLLIN | POLLRDNORM;
constexpr short kWriteEvents = POLLOUT | POLLWRNORM;
// Between two looks at something that has no event to wait for.
constexpr double kLookAgainAfter = 0.01;

// This many wake-ups in a row that brought nothing, and it is better to look from time to time.
constexpr int kVainWakeupsMax = 8;

// What a loop's watcher can tell of; 0 when that is not all that is wanted.
int loop_events(const pollfd& wanted) noexcept {
  if ((wanted.events & ~(kReadEvents | kWriteEvents)) != 0) return 0;
  return ((wanted.events & kReadEvents) != 0 ? kRead : 0) | ((wanted.events & kWriteEvents) != 0 ? kWrite : 0);
}

}  // namespace

// Wakes the one greenlet that waits for a set when there may be something to see. On the heap, as the loop calls it.
class DescriptorSet::Wakers {
 public:
  Wakers(Loop& loop, const std::vector<pollfd>& polled) {
    for (const pollfd& each : polled) {
      if (each.fd < 0) continue;
      if (const int events = loop_events(each); events != 0) {
        watch(loop, each.fd, events);
      } else {
        watch_rare_events(loop, each);
      }
    }
  }

  // kWoken says no more than that it is time to look.
  Parked park(double timeout_s) noexcept { return park_in(line_, timeout_s); }

  // For what is watched within `rare_`: the loop itself knows nothing of that.
  void wake() noexcept { line_.wake_all(); }

  // Sleeps without being woken, whatever happens.
  Parked pause(double seconds) noexcept {
    for (Io& watcher : watchers_) watcher.stop();
    const Parked outcome = sleep_for(seconds, true);
    for (Io& watcher : watchers_) watcher.start();
    return outcome;
  }

  // Whether some entry has no event that the loop could tell of.
  [[nodiscard]] bool must_look_again() const noexcept { return must_look_again_; }

 private:
  void watch(Loop& loop, int fd, int events) {
    watchers_.emplace_back(
        loop, fd, events, [](Watcher& watcher, int) noexcept { static_cast<Wakers*>(watcher.owner)->line_.wake_all(); },
        this);
    watchers_.back().start();
  }

  // Urgent data, a peer's half-close, or errors alone: loops know nothing of these, an epoll set inside the loop does.
  void watch_rare_events(Loop& loop, const pollfd& wanted) {
#ifdef __linux__
    if (!rare_.valid()) {
      rare_ = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
      if (rare_.valid()) watch(loop, rare_.get(), kRead);
    }
    epoll_event event{};
    event.events = static_cast<unsigned short>(wanted.events);
    if (rare_.valid() && ::epoll_ctl(rare_.get(), EPOLL_CTL_ADD, wanted.fd, &event) == 0) return;
#else
    static_cast<void>(loop), static_cast<void>(wanted);
#endif
    must_look_again_ = true;
  }

  WaitQueue line_;
  OwnedFd rare_;
  std::deque<Io> watchers_;  // stopped before rare_ is closed
  bool must_look_again_ = false;
};

// Notes which of the descriptors are closed during a wait: their numbers may stand for other files before the greenlet
// runs again. On the heap, as the loop calls it.
class DescriptorSet::Closings final : public ClosingListener {
 public:
  Closings(Loop& loop, DescriptorSet& set) noexcept : set_(set) { loop.closing_listeners.push_back(*this); }
  ~Closings() = default;

  void wakes(Wakers* wakers) noexcept { wakers_ = wakers; }

  void on_closing(int fd) noexcept override {
    for (std::size_t i = 0; i != set_.size(); ++i) {
      if (set_.fd(i) == fd) closed_.push_back(i);
    }
    if (set_.registered_ != nullptr && set_.registered_->contains(fd)) set_.closed_.push_back(fd);
    if (any() && wakers_ != nullptr) wakers_->wake();
  }

  [[nodiscard]] bool any() const noexcept { return !closed_.empty() || !set_.closed_.empty(); }

  // Marks them, as poll(2) would have; returns whether there are any.
  bool mark() noexcept {
    for (const std::size_t i : closed_) set_.polled_[i].revents = POLLNVAL;
    return any();
  }

 private:
  DescriptorSet& set_;
  Wakers* wakers_ = nullptr;
  std::vector<std::size_t> closed_;
};

void DescriptorSet::add(int fd, short events, short accepted) {
  polled_.push_back(pollfd{fd, events, 0});
  accepted_.push_back(accepted);
}

void DescriptorSet::clear() noexcept {
  polled_.clear();
  accepted_.clear();
}

int DescriptorSet::poll_now() noexcept {
  if (polled_.empty()) return 0;
  if (::poll(polled_.data(), static_cast<nfds_t>(polled_.size()), 0) < 0) {
    if (errno != EINTR) {
      PyErr_SetFromErrno(PyExc_OSError);
      return -1;
    }
    for (pollfd& each : polled_) each.revents = 0;
    return PyErr_CheckSignals() == 0 ? 0 : -1;
  }
  return count_ready();
}

int DescriptorSet::count_ready() const noexcept {
  int count = 0;
  for (std::size_t i = 0; i != polled_.size(); ++i) count += ready(i) ? 1 : 0;
  return count;
}

int DescriptorSet::wait(double timeout_s) noexcept {
  int count = poll_now();
  if (count != 0 || timeout_s == 0) return count;
  Loop* loop = current_loop();
  if (loop == nullptr) return -1;
  const double deadline_s = timeout_s < 0 ? 0 : Clock::now_s() + timeout_s;
  double left_s = timeout_s;
  // For the most frequent case parking has a watcher of its own.
  const bool single = polled_.size() == 1 && polled_[0].fd >= 0 && registered_ == nullptr;
  const int only_events = single ? loop_events(polled_[0]) : 0;
  const auto wakers = only_events != 0 ? nullptr : std::make_unique<Wakers>(*loop, polled_);
  const auto closings = std::make_unique<Closings>(*loop, *this);
  closings->wakes(wakers.get());
  closed_.clear();
  int vain_wakeups = 0;
  for (;;) {
    Parked outcome = kWoken;
    if (closings->any()) {
      // Closed during a pause.
    } else if (wakers == nullptr) {
      outcome = park_on_fd(polled_[0].fd, only_events, left_s);
    } else if (wakers->must_look_again() && (left_s < 0 || left_s > kLookAgainAfter)) {
      outcome = wakers->park(kLookAgainAfter);
    } else {
      outcome = wakers->park(left_s);
    }
    if (outcome == kFailed) return -1;
    count = poll_now();
    if (count >= 0 && closings->mark()) return count_ready();
    if (count != 0) return count;
    if (timeout_s >= 0 && (left_s = deadline_s - Clock::now_s()) <= 0) return 0;
    if (outcome == kTimedOut || ++vain_wakeups <= kVainWakeupsMax) continue;
    // Something that nobody asked for, such as a hang-up, wakes at once, and would for ever.
    const double pause_s = left_s < 0 ? kLookAgainAfter : std::min(left_s, kLookAgainAfter);
    if ((wakers == nullptr ? sleep_for(pause_s, true) : wakers->pause(pause_s)) == kFailed) return -1;
  }
}

}  // namespace gevent
