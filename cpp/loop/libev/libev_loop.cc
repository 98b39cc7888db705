// The engine's life: making, polling, forking, ending. What it does for watchers is in libev_watchers.cc.
#include "loop/libev/libev_loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/owned_fd.h"

namespace gevent {

namespace {

// A poll that fails this often in a row will not get better.
constexpr int kFailedPollsMax = 100;

// The loop whose ev_run() this thread is in: libev's error callback does not say.
thread_local LibevLoop* polling = nullptr;

bool is_epoll_set([[maybe_unused]] int fd) noexcept {
#ifdef __linux__
  char path[40];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  char target[64] = {};
  return ::readlink(path, target, sizeof target - 1) > 0 && std::strstr(target, "[eventpoll]") != nullptr;
#else
  return false;
#endif
}

}  // namespace

Result<std::unique_ptr<Loop>> make_libev_loop(unsigned flags) {
  // libev tries for ever when it gets no descriptors for itself: see first that there are some. The lowest free number
  // is the one its backend will get, which libev does not tell.
  OwnedFd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!probe.valid()) return Error::from_errno("ev_loop_new");
  OwnedFd second_probe(::dup(probe.get()));
  if (!second_probe.valid()) return Error::from_errno("ev_loop_new");
  const int lowest = probe.get();
  second_probe.reset();
  probe.reset();
  struct ev_loop* loop = ev_loop_new(flags | EVFLAG_NOENV);
  if (loop == nullptr) return Error(EINVAL, "ev_loop_new");
  const int descriptor = is_epoll_set(lowest) ? lowest : -1;
  auto made = std::make_unique<LibevLoop>(loop, flags | EVFLAG_NOENV, descriptor);
  const Result<void> opened = made->open_wakeup();
  if (!opened) return opened.error();
  return std::unique_ptr<Loop>(std::move(made));
}

LibevLoop::LibevLoop(struct ev_loop* loop, unsigned flags, int descriptor) noexcept
    : loop_(loop), flags_(flags), descriptor_(descriptor) {
  ev_set_syserr_cb(&LibevLoop::on_system_error);
  ev_set_userdata(loop_, this);
  ev_set_loop_release_cb(loop_, &LibevLoop::on_release, &LibevLoop::on_acquire);
  ev_set_invoke_pending_cb(loop_, &LibevLoop::on_invoke_pending);
  ev_set_timeout_collect_interval(loop_, kLongSleep_s);
  ev_io_init(&bell_, [](struct ev_loop* its, ev_io*, int) { of(its).wakeup_.hear(); }, -1, EV_READ);
  ev_set_priority(&bell_, EV_MAXPRI);
}

Result<void> LibevLoop::open_wakeup() noexcept {
  const Result<Wakeup::Kind> kind = Wakeup::preferred();
  if (!kind) return kind.error();
  const Result<void> opened = wakeup_.open(kind.value());
  if (!opened) return opened;
  ev_io_set(&bell_, wakeup_.fd(), EV_READ);
  ev_io_start(loop_, &bell_);
  ev_unref(loop_);
  // libev opens what its own Async and Signal watchers need at the first of these, and stops the process when it
  // cannot.
  ev_async first;
  ev_async_init(&first, [](struct ev_loop*, ev_async*, int) {});
  ev_async_start(loop_, &first);
  ev_async_stop(loop_, &first);
  return {};
}

// Of an abandoned one the descriptors are the parent's business, and the memory is kept for ever.
LibevLoop::~LibevLoop() { close(); }

void LibevLoop::close_engine() noexcept {
  detach_watchers();
  if (ev_is_active(&bell_)) {
    ev_ref(loop_);
    ev_io_stop(loop_, &bell_);
  }
  ev_loop_destroy(loop_);
  wakeup_.close();
}

bool LibevLoop::poll(bool may_block) noexcept {
  // Saved, because a callback may run this loop again.
  const bool outer_may_block = may_block_;
  const bool outer_before_poll = before_poll_;
  LibevLoop* const outer_polling = polling;
  may_block_ = may_block;
  before_poll_ = true;
  polling = this;
  const int failed_before = failed_polls_;
  const bool active = ev_run(loop_, may_block ? EVRUN_ONCE : EVRUN_NOWAIT) != 0;
  if (failed_polls_ == failed_before) failed_polls_ = 0;
  may_block_ = outer_may_block;
  before_poll_ = outer_before_poll;
  polling = outer_polling;
  return active;
}

void LibevLoop::on_release(struct ev_loop* loop) noexcept {
  LibevLoop& self = of(loop);
  if (!self.may_block_) return;
  // Something became ready since the poll began (a prepare watcher's callback): libev has decided how long to sleep,
  // but finds this and returns at once.
  if (!self.begin_block()) self.wake_up();
}

void LibevLoop::on_acquire(struct ev_loop* loop) noexcept {
  LibevLoop& self = of(loop);
  const int saved_errno = errno;  // libev asks for the poll's errno after this
  self.before_poll_ = false;
  self.end_block();
  errno = saved_errno;
}

// libev calls this after each stage of an iteration that may have made events; the last one before it looks at the
// changed descriptors is where closed ones must be found.
void LibevLoop::on_invoke_pending(struct ev_loop* loop) noexcept {
  LibevLoop& self = of(loop);
  do {
    ev_invoke_pending(loop);
  } while (self.before_poll_ && self.stop_watching_closed_descriptors());
}

bool LibevLoop::stop_watching_closed_descriptors() noexcept {
  // These two tell the kernel about changes only; the others get every descriptor at every poll.
  constexpr unsigned kKeepsRegistrations = EVBACKEND_EPOLL | EVBACKEND_KQUEUE;
  if ((ev_backend(loop_) & kKeepsRegistrations) == 0) fd_guard_.all_changed();
  return fd_guard_.look([this](int fd) { stop_all_on(fd, kErrorEvent | kRead | kWrite); });
}

void LibevLoop::on_system_error(const char* message) noexcept {
  // Only a poll can fail and be tried again. Elsewhere libev repeats what failed until it succeeds.
  if (polling == nullptr || std::strstr(message, "creating") != nullptr || ++polling->failed_polls_ > kFailedPollsMax) {
    std::perror(message);
    std::abort();
  }
  // Somebody closed the descriptor that the engine sleeps on: make a new one, as after a fork.
  polling->reinit();
}

void LibevLoop::wake_up() noexcept {
  if (abandoned()) return;
  set_rung();
  wakeup_.ring();
}

void LibevLoop::reinit() noexcept {
  const bool was_asleep = blocked();
  set_rearmed();
  if (abandoned()) return;
  // libev takes the poll that never ended for one that is still going on, and would not begin another.
  if (was_asleep) ev_break(loop_, EVBREAK_CANCEL);
  // Without descriptors it goes on with the one it has. Then a ring may be heard in the other process, and no more.
  static_cast<void>(wakeup_.reset().ok());
  ev_loop_fork(loop_);
  fd_guard_.all_changed();
}

void LibevLoop::let_go() noexcept {
  for_each<Signal>(Watcher::Kind::kSignal, [this](Signal& signal) { stop(signal); });
}

LoopFacts LibevLoop::facts() const noexcept {
  if (closed()) return LoopFacts{nullptr, flags_, 0, -1, 0, 0, 0, 0, nullptr};
  if (abandoned()) return LoopFacts{loop_, flags_, ev_backend(loop_), -1, 0, 0, 0, 0, nullptr};
  return LoopFacts{
      .native = loop_,
      .flags = flags_,
      .backend = ev_backend(loop_),
      .descriptor = descriptor_ >= 0 && is_epoll_set(descriptor_) ? descriptor_ : -1,
      .active = holds_ + count_referenced(),
      .pending = ev_pending_count(loop_),
      .iterations = ev_iteration(loop_),
      .depth = depth(),
      .wakeup = wakeup_.name(),
  };
}

}  // namespace gevent
