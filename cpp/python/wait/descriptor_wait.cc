#include "python/wait/descriptor_wait.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/made_at_load.h"
#include "python/hub/bound_greenlets.h"
#include "python/hub/hub_state.h"
#include "python/hub/signal_delivery.h"
#include "python/object/os_error.h"
#include "python/wait/kept_watch.h"

namespace gevent {
namespace {

// One descriptor that one greenlet waits for.
class Awaited final : public ListNode {
 public:
  Awaited(Loop& loop, int fd, int events, WaitQueue& line) noexcept
      : io(loop, fd, events, &Awaited::on_ready, this), line_(line) {}

  void end() noexcept {
    closed = true;
    line_.wake_all();
  }

  void tell() noexcept {
    told = reported = true;
    line_.wake_all();
  }

  Io io;
  bool reported = false;
  bool closed = false;
  bool told = false;

 private:
  static void on_ready(Watcher& watcher, int) noexcept {
    auto* const self = static_cast<Awaited*>(watcher.owner);
    self->reported = true;
    self->line_.wake_all();
  }

  WaitQueue& line_;  // the one greenlet of this wait
};

// Everything one greenlet waits for. On the heap, because loops hold its watchers.
struct Wait final : HeldWhileParked {
  void give_back() noexcept override {
    for (const std::unique_ptr<Awaited>& each : awaited) {
      each->unlink();
      each->io.stop();
    }
  }

  WaitQueue line;
  std::vector<std::unique_ptr<Awaited>> awaited;
};

// Of all threads; guarded by the GIL. A short list: one entry per descriptor that somebody waits for right now.
const MadeAtLoad<IntrusiveList<Awaited>> all_awaited;

// Marks what is ready now, or in at most `timeout_ms`, which a signal ends; whether anything is.
bool look(std::span<AwaitedDescriptor> all, int timeout_ms = 0) noexcept {
  constexpr std::size_t kFew = 16;
  pollfd few[kFew];
  std::unique_ptr<pollfd[]> many;
  pollfd* entries = few;
  if (all.size() > kFew) {
    many.reset(new pollfd[all.size()]);
    entries = many.get();
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const short events =
        static_cast<short>(((all[i].events & kRead) != 0 ? POLLIN : 0) | ((all[i].events & kWrite) != 0 ? POLLOUT : 0));
    entries[i] = pollfd{all[i].fd, events, 0};
  }
  int count;
  do {
    count = ::poll(entries, static_cast<nfds_t>(all.size()), timeout_ms);
  } while (count < 0 && errno == EINTR && timeout_ms == 0);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].ready = count > 0 && entries[i].revents != 0;
  return count > 0;
}

const MadeAtLoad<IntrusiveList<WaitingThread>> waiting_threads;  // guarded by the GIL

double seconds_since(Nanoseconds start) noexcept { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

WaitingThread::WaitingThread(std::span<AwaitedDescriptor> all) noexcept : all_(all) {
  waiting_threads().push_back(*this);
}

void WaitingThread::end(int fd) noexcept {
  for (const AwaitedDescriptor& each : all_) closed_ = closed_ || each.fd == fd;
}

Parked WaitingThread::returned() noexcept {
  if (!call_handlers_in_wait()) return kFailed;
  if (!closed_) return kWoken;
  set_closed_error();
  return kFailed;
}

Parked WaitingThread::wait(double timeout_s) noexcept {
  // Closing a descriptor ends no poll(), so from time to time it is asked whether that has happened.
  constexpr double kBetweenLooks = 0.1;
  const Nanoseconds start = Clock::now();
  if (!call_handlers_in_wait()) return kFailed;
  for (;;) {
    const double left = timeout_s < 0 ? kBetweenLooks : std::max(0.0, timeout_s - seconds_since(start));
    bool ready;
    Py_BEGIN_ALLOW_THREADS;
    ready = look(all_, static_cast<int>(std::min(left, kBetweenLooks) * 1000) + 1);
    Py_END_ALLOW_THREADS;
    if (returned() == kFailed) return kFailed;
    if (ready || hub_state_with_loop() != nullptr) return kWoken;
    if (timeout_s >= 0 && left <= 0) return kTimedOut;
  }
}

namespace {

// Registers with the loop at once; satisfied(const Wait&) is asked after each wake-up.
template <typename Satisfied>
Parked wait_on_loop(std::span<AwaitedDescriptor> all, double timeout_s, Satisfied satisfied) noexcept {
  if (hub_state_with_loop() == nullptr) {
    const Nanoseconds begin = Clock::now();
    WaitingThread thread(all);
    const Parked parked = thread.wait(timeout_s);
    const bool ready = std::any_of(all.begin(), all.end(), [](const AwaitedDescriptor& each) { return each.ready; });
    if (parked != kWoken || ready) return parked;
    if (timeout_s >= 0) timeout_s = std::max(0.0, timeout_s - seconds_since(begin));
  }
  if (has_no_time(timeout_s)) return look(all) ? kWoken : kTimedOut;
  const Nanoseconds start = Clock::now();
  Loop* loop = current_loop();
  if (loop == nullptr) return kFailed;
  const auto wait = std::make_unique<Wait>();
  for (const AwaitedDescriptor& each : all) {
    wait->awaited.push_back(std::make_unique<Awaited>(*loop, each.fd, each.events, wait->line));
    all_awaited().push_back(*wait->awaited.back());
    wait->awaited.back()->io.start();
  }
  for (double left = timeout_s;;) {
    const Parked parked = park_in(wait->line, left);
    if (parked == kFailed) return kFailed;
    for (const std::unique_ptr<Awaited>& each : wait->awaited) {
      if (each->closed) {
        set_closed_error();
        return kFailed;
      }
    }
    if (satisfied(*wait)) return kWoken;
    if (parked == kTimedOut) return kTimedOut;
    if (timeout_s >= 0) left = std::max(0.0, timeout_s - seconds_since(start));
  }
}

}  // namespace

Parked wait_for_any(std::span<AwaitedDescriptor> all, double timeout_s) noexcept {
  if (timeout_s == 0) return look(all) ? kWoken : kTimedOut;
  if (look(all)) {
    // Whoever only looks for something to happen, as a pool's worker handler does, must not keep those who would make
    // use of it from running. And who reads there had better look before waiting, while we find it ready all the time.
    for (const AwaitedDescriptor& each : all) {
      if (each.ready) has_asked(each.fd, true);
    }
    if (in_hub_or_without()) return kWoken;
    if (sleep_for(0, true) == kFailed) return kFailed;
    if (look(all)) return kWoken;
  }
  // Who was told to look again is not told what there is to see: that is for the caller, who finds nothing ready.
  return wait_on_loop(all, timeout_s, [&](const Wait& wait) {
    return look(all) || std::any_of(wait.awaited.begin(), wait.awaited.end(), [](auto& each) { return each->told; });
  });
}

Parked wait_for_descriptor(int fd, int events, double timeout_s) noexcept {
  AwaitedDescriptor one{fd, events};
  return wait_on_loop(std::span(&one, 1), timeout_s, [](const Wait& wait) { return wait.awaited.front()->reported; });
}

bool waits_alone() noexcept {
  return hub_state_with_loop() == nullptr &&
         PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) == nullptr;
}

void end_descriptor_waits(int fd) noexcept {
  IntrusiveList<WaitingThread>& threads = waiting_threads();
  for (WaitingThread* each = threads.front(); each != nullptr; each = threads.after(*each)) each->end(fd);
  IntrusiveList<Awaited>& all = all_awaited();
  for (Awaited* each = all.front(); each != nullptr; each = all.after(*each)) {
    if (each->io.fd() != fd) continue;
    each->end();
    // The number may soon belong to another file. A loop of another thread stops its own watchers, a moment later.
    if (Loop* loop = each->io.loop(); loop != nullptr && !loop->blocked()) each->io.stop();
  }
  end_kept_watch(fd);
}

void look_again_at_descriptor(int fd) noexcept {
  IntrusiveList<Awaited>& all = all_awaited();
  for (Awaited* each = all.front(); each != nullptr; each = all.after(*each)) {
    if (each->io.fd() == fd) each->tell();
  }
  look_again_at_kept_watch(fd);
}

void end_all_waits(int fd) noexcept {
  end_descriptor_waits(fd);
  if (const HubState* const hub = hub_state_with_loop(); hub != nullptr) hub->loop->closing_fd(fd);
}

void forget_descriptor_waits() noexcept {
  while (all_awaited().pop_front() != nullptr) {
  }
  while (waiting_threads().pop_front() != nullptr) {
  }
  forget_kept_watches();
}

}  // namespace gevent
