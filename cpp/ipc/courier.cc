#include "ipc/courier.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"

namespace gevent {
namespace {

// How often to look at a lock that another process has, and at new errands where there is no pipe to be told by.
constexpr int kLookIntervalMs = 1;
// How long the thread waits for another errand before it ends.
constexpr int kLingerMs = 100;

using Errands = std::vector<std::shared_ptr<Errand>>;

}  // namespace

Courier& Courier::get() noexcept {
  static Courier* const courier = new Courier;
  return *courier;
}

Courier::Courier() noexcept {
  GEVENT_CHECK(::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0);
}

void Courier::before_fork() noexcept { get().mutex_.lock(); }

void Courier::after_fork_in_parent() noexcept { get().mutex_.unlock(); }

void Courier::after_fork_in_child() noexcept {
  Courier& courier = get();
  // The parent's: its messages go on there. Nothing is destroyed, because that would give locks back; the bells are
  // closed, unless somebody waits for one.
  for (const std::shared_ptr<Errand>& each : courier.errands_) {
    if (each.use_count() == 1) each->bell.reset();
    static_cast<void>(new (std::nothrow) std::shared_ptr<Errand>(each));
    each->ended = each->failed = true;
  }
  courier.errands_.clear();
  courier.spent_.clear();
  courier.working_ = false;
  courier.nudged_.reset();
  courier.nudge_.reset();
  count_.store(0, std::memory_order_relaxed);
  courier.mutex_.unlock();
}

std::shared_ptr<Errand> Courier::find(int fd, Direction direction) {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Errand>& each : errands_) {
    if (each->fd == fd && each->direction == direction) return each;
  }
  return nullptr;
}

bool Courier::has_ended(const Errand& errand) {
  const std::lock_guard lock(mutex_);
  return errand.ended;
}

bool Courier::take(const std::shared_ptr<Errand>& errand) {
  const std::lock_guard lock(mutex_);
  const auto at = std::find(errands_.begin(), errands_.end(), errand);
  if (at == errands_.end()) return false;
  errands_.erase(at);
  settle_locked();
  return true;
}

void Courier::receive(std::shared_ptr<Errand> errand) {
  const std::lock_guard lock(mutex_);
  errands_.push_back(std::move(errand));
  begin_work_locked();
}

void Courier::send(int fd, Parcel parcel) {
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(errands_.begin(), errands_.end(), [fd](const std::shared_ptr<Errand>& each) {
    return each->fd == fd && each->direction == Direction::kOut && !each->close_after;
  });
  if (at != errands_.end()) {
    (*at)->parcels.push_back(std::move(parcel));
    return;  // the courier is on its way
  }
  errands_.push_back(std::make_shared<Errand>(fd));
  errands_.back()->parcels.push_back(std::move(parcel));
  begin_work_locked();
}

bool Courier::close_when_sent(int fd) {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Errand>& each : errands_) {
    if (each->fd != fd || each->direction != Direction::kOut) continue;
    each->close_after = true;
    return true;
  }
  return false;
}

void Courier::forget(int fd) {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Errand>& each : Errands(errands_)) {
    if (each->fd != fd || each->close_after) continue;
    each->closed = true;
    if (!each->ended) each->end();
    if (each->keeper != nullptr) spent_.push_back(std::exchange(each->keeper, nullptr));
    std::erase(errands_, each);
  }
  settle_locked();
}

bool Courier::defer_release(SharedSemaphore& semaphore, std::uint32_t maximum, void* keeper, const void* greenlet,
                            std::uint64_t taken_at) {
  const std::lock_guard lock(mutex_);
  const auto held = std::make_shared<HeldLock>(semaphore, maximum, keeper, spent_);
  for (const std::shared_ptr<Errand>& each : errands_) {
    if (!each->ended) each->hold(held, greenlet, taken_at);
  }
  if (held.use_count() > 1) return true;
  held->not_taken();
  return false;
}

std::shared_ptr<HeldLock> Courier::lock_for_parcel(SharedSemaphore& semaphore, std::uint32_t maximum, void* keeper,
                                                   bool taken) {
  auto lock = std::make_shared<HeldLock>(semaphore, maximum, keeper, spent_);
  if (!taken) lock->not_taken();
  return lock;
}

std::vector<void*> Courier::take_spent() {
  const std::lock_guard lock(mutex_);
  return std::exchange(spent_, {});
}

std::vector<std::shared_ptr<Errand>> Courier::unfinished() {
  const std::lock_guard lock(mutex_);
  Errands found;
  for (const std::shared_ptr<Errand>& each : errands_) {
    const bool matters = each->direction == Direction::kOut ? each->has_giver() : !each->held.empty();
    if (!each->ended && matters) found.push_back(each);
  }
  return found;
}

std::size_t Courier::received(const Errand& errand) {
  const std::lock_guard lock(mutex_);
  return errand.message ? errand.message->filled() : 0;
}

void Courier::step() {
  const std::lock_guard lock(mutex_);
  step_locked();
}

bool Courier::working() {
  const std::lock_guard lock(mutex_);
  return working_;
}

void Courier::step_locked() noexcept {
  for (const std::shared_ptr<Errand>& each : errands_) {
    if (!each->ended) each->advance();
  }
  // Only what was received is worth keeping.
  std::erase_if(errands_, [this](const std::shared_ptr<Errand>& each) {
    const bool over = each->ended && (each->direction == Direction::kOut || each->failed || each->closed);
    if (over && each->keeper != nullptr) spent_.push_back(std::exchange(each->keeper, nullptr));
    return over;
  });
  settle_locked();
}

void Courier::settle_locked() noexcept { count_.store(static_cast<int>(errands_.size()), std::memory_order_relaxed); }

void Courier::nudge() noexcept {
  const char one = 1;
  while (nudge_.valid() && ::write(nudge_.get(), &one, 1) < 0 && errno == EINTR) {
  }
}

void Courier::begin_work_locked() {
  settle_locked();
  if (working_) {
    nudge();
    return;
  }
  int ends[2];
  if (!nudge_.valid() && ::pipe(ends) == 0) {
    nudged_.reset(ends[0]);
    nudge_.reset(ends[1]);
    for (const int end : ends) {
      ::fcntl(end, F_SETFD, FD_CLOEXEC);
      ::fcntl(end, F_SETFL, O_NONBLOCK);
    }
  }
  // Signals are for the threads that were there before.
  sigset_t all, before;
  sigfillset(&all);  // a macro on Darwin
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread(&Courier::work, this).detach();
    working_ = true;
  } catch (const std::system_error&) {
    working_ = false;  // whoever comes next does a step
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Courier::work() noexcept {
  std::unique_lock lock(mutex_);
  std::vector<pollfd> looked_at;
  for (bool lingers = false;;) {
    step_locked();
    looked_at.clear();
    int timeout_ms = nudged_.valid() ? -1 : kLookIntervalMs;
    bool idle = true;
    for (const std::shared_ptr<Errand>& each : errands_) {
      if (each->ended) continue;
      idle = false;
      if (each->waits_for_lock()) {
        timeout_ms = kLookIntervalMs;
      } else {
        looked_at.push_back({each->fd, static_cast<short>(each->direction == Direction::kIn ? POLLIN : POLLOUT), 0});
      }
    }
    if (idle && (lingers || !nudged_.valid())) break;
    lingers = idle;
    if (idle) timeout_ms = kLingerMs;
    if (nudged_.valid()) looked_at.push_back({nudged_.get(), POLLIN, 0});
    lock.unlock();
    ::poll(looked_at.data(), static_cast<nfds_t>(looked_at.size()), timeout_ms);
    lock.lock();
    char old[64];
    while (nudged_.valid() && ::read(nudged_.get(), old, sizeof old) > 0) {
    }
  }
  working_ = false;
  nudged_.reset();
  nudge_.reset();
}

}  // namespace gevent
