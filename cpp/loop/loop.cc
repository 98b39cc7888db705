#include "loop/loop.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/fork_generation.h"

namespace gevent {

namespace {
// Entries of one turn. High enough that a poll (about 300 ns when nothing happens) disappears among them, low enough
// that descriptors get their turn even when every entry is long and the clock is asked only now and then.
constexpr int kTurnEntries = 256;
}  // namespace

Loop::Loop() : fork_generation_(fork_generation()) {}

Loop::~Loop() { detach_watchers(); }

bool Loop::run(Mode mode) noexcept {
  rearm_after_fork();
  if (blocked_ || abandoned_) return false;  // another thread sleeps in it, or nobody may
  const bool outer_stop = stop_requested_;
  stop_requested_ = false;
  ++depth_;
  bool active = false;
  for (;;) {
    rearm_after_fork();
    begin_turn();
    run_ready();
    if (stop_requested_ || abandoned_) break;
    rearm_after_fork();
    active = poll(mode != Mode::kNowait && ready.peek() == nullptr);
    if (client != nullptr) client->turn();
    if (mode != Mode::kDefault) {
      begin_turn();
      run_ready();
      break;
    }
    if (stop_requested_ || abandoned_ || (!active && ready.peek() == nullptr)) break;
  }
  --depth_;
  stop_requested_ = outer_stop || stop_all_requested_;
  if (depth_ == 0) stop_requested_ = stop_all_requested_ = false;
  return active;
}

void Loop::run_ready() noexcept {
  while (ready.peek() != nullptr && may_run_another()) {
    const ReadyEntry entry = ready.pop();
    entry.run(entry.target, entry.argument);
    if (stop_requested_) return;
  }
}

void Loop::begin_turn() noexcept {
  // One more, because may_run_another() counts before it looks.
  turn_budget_ = kTurnEntries + 1;
  turn_end_ = Clock::coarse_now() + turn_length;
}

bool Loop::turn_has_time() noexcept {
  if (Clock::coarse_now() < turn_end_) return true;
  turn_budget_ = 0;
  return false;
}

bool Loop::begin_block() noexcept {
  if (ready.peek() != nullptr) return false;
  // While the lock is still held: from now on whoever takes it and makes something ready wakes this thread.
  blocked_ = true;
  rung_.store(false, std::memory_order_relaxed);
  if (client != nullptr) client->before_block();
  return true;
}

void Loop::end_block() noexcept {
  if (!blocked_) return;
  if (client != nullptr) client->after_block();
  blocked_ = false;
}

bool Loop::shared_with_parent() const noexcept { return fork_generation_ != fork_generation(); }

void Loop::rearm_after_fork() noexcept {
  if (shared_with_parent()) reinit();
}

void Loop::set_rearmed() noexcept {
  fork_generation_ = fork_generation();
  if (!blocked_) return;
  // Another thread has forked while this loop's own was asleep in it; that one does not exist here.
  blocked_ = false;
  depth_ = 0;
}

void Loop::abandon() noexcept {
  if (abandoned_) return;
  let_go();
  abandoned_ = true;
}

void Loop::close() noexcept {
  if (abandoned_) return;
  GEVENT_CHECK(!running());
  close_engine();
  abandoned_ = closed_ = true;
}

bool Loop::closing_fd(int fd) noexcept {
  if (abandoned_ || fd < 0) return false;
  for (ClosingListener* each = closing_listeners.front(); each != nullptr; each = closing_listeners.after(*each)) {
    each->on_closing(fd);
  }
  const bool found = watched(fd) && stop_all_on(fd, 0);
  forget_fd(fd);
  if (found) wake_up_if_blocked();
  return found;
}

int Loop::awaited_events(int fd) noexcept {
  int events = 0;
  if (abandoned_) return events;
  for_each<Io>(Watcher::Kind::kIo, [&](Io& io) {
    if (io.fd() == fd && active(io)) events |= io.events();
  });
  return events;
}

bool Loop::stop_all_on(int fd, int revents) noexcept {
  bool found = false;
  for_each<Io>(Watcher::Kind::kIo, [&](Io& io) {
    if (io.fd() != fd || !active(io)) return;
    stop(io);
    io.fresh = true;
    feed(io, revents != 0 ? revents : io.events());
    found = true;
  });
  return found;
}

int Loop::count_referenced() const noexcept {
  int count = 0;
  for (const Watcher* watcher = watchers_; watcher != nullptr; watcher = watcher->next_of_loop_) {
    // Those made of other watchers are counted in these.
    const bool composed = watcher->kind_ == Watcher::Kind::kChild || watcher->kind_ == Watcher::Kind::kEventfd;
    if (!composed && watcher->ref_ && !watcher->unreferenced && active(*watcher)) ++count;
  }
  return count;
}

void Loop::detach_watchers() noexcept {
  while (watchers_ != nullptr) {
    Watcher* watcher = watchers_;
    watcher->stop();
    watchers_ = watcher->next_of_loop_;
    watcher->loop_ = nullptr;
    watcher->next_of_loop_ = watcher->previous_of_loop_ = nullptr;
  }
}

}  // namespace gevent
