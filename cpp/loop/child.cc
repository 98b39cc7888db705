// How the end of a child process is seen.
//
// A Child is an Io on a ProcessEnd: a pidfd, or a kqueue with EVFILT_PROC. Neither needs SIGCHLD or the main thread.
// Where the kernel has neither (or no descriptor is left) a fallback listens to SIGCHLD or looks every so often. What
// all ways share is that somebody else in this process may reap first (a waitpid(-1), SIGCHLD ignored): then the end is
// still seen, and only the status is lost.
//
// A kqueue needs two things more. It tells of an end slightly before the process can be reaped, so a Child that was
// told and finds it running looks again shortly. And a child of fork() does not inherit it, so there it is opened anew.
#include <cerrno>
#include <csignal>

#include "loop/child_look.h"
#include "loop/loop.h"
#include "loop/process_end.h"
#include "loop/watcher.h"

namespace gevent {

namespace {

constexpr double kFallbackPeriod = 0.1;  // seconds, when not even SIGCHLD can be had
constexpr double kMomentLater = 0.001;   // seconds, between being told of an end and finding it

// As ProcessEnd::reap(), but it stays unreaped.
int peek(int pid) noexcept {
  const int status = look_at_child(pid);
  if (status == kChildRuns) return ProcessEnd::kStillRunning;
  return status == kNoSuchChild ? 0 : status;
}

}  // namespace

// What stands in for a ProcessEnd.
struct Child::Fallback {
  Fallback(Loop& loop, Child& child, double period_s) noexcept
      : sigchld(loop, SIGCHLD, &Fallback::on_hint, &child),
        tick(loop, period_s, period_s, &Fallback::on_hint, &child) {}

  static void on_hint(Watcher& watcher, int) noexcept { static_cast<Child*>(watcher.owner)->look(); }

  Signal sigchld;
  Timer tick;
};

// A ProcessEnd, and what re-opens it after a fork where that is needed.
struct Child::Told {
  Told(Loop& loop, Child& child, ProcessEnd opened) noexcept
      : end(std::move(opened)), forked(loop, &Told::on_fork, &child) {
    if (end.survives_fork()) return;
    forked.set_ref(false);
    forked.start();
  }

  static void on_fork(Watcher& watcher, int) noexcept {
    Child& child = *static_cast<Child*>(watcher.owner);
    child.exited_.forget();
    child.told_.reset();  // and with it `watcher`
    child.listen();
  }

  ProcessEnd end;
  Fork forked;
};

Child::Child(Loop& loop, int pid, Callback callback, void* owner) noexcept
    : Watcher(Kind::kChild, loop, callback, owner), pid(pid), exited_(loop, -1, kRead, &Child::on_exited, this) {}

Child::~Child() { stop(); }

void Child::begin() noexcept {
  if (active_) return;
  active_ = true;
  exited_.set_priority(priority());
  if (rpid != 0) return feed(kChildEvent);  // seen already; the number may be another process's by now
  listen();
}

void Child::listen() noexcept {
  Result<ProcessEnd> end = ProcessEnd::open(pid);
  if (end.ok()) {
    told_ = std::make_unique<Told>(*loop(), *this, std::move(end).value());
    exited_.set(told_->end.fd(), kRead);
    exited_.start();
    return;
  }
  if (end.error().code() != ESRCH) return begin_fallback(kFallbackPeriod);
  const int status = ask();
  if (status == ProcessEnd::kStillRunning) return begin_fallback(kMomentLater);
  note_end(status);
}

int Child::ask() const noexcept {
  if (leaves_unreaped) return peek(pid);
  return told_ != nullptr ? told_->end.reap() : ProcessEnd::reap(pid);
}

void Child::note_end(int status) noexcept {
  rpid = pid;
  rstatus = status;
  feed(kChildEvent);
}

void Child::begin_fallback(double period_s) noexcept {
  fallback_ = std::make_unique<Fallback>(*loop(), *this, period_s);
  pass_on_ref();
  fallback_->sigchld.set_priority(priority());
  if (period_s == kFallbackPeriod) fallback_->sigchld.start();
  if (!fallback_->sigchld.active()) fallback_->tick.start();
  // It may have ended before anybody listened.
  const int status = ask();
  if (status != ProcessEnd::kStillRunning) note_end(status);
}

void Child::end() noexcept {
  exited_.forget();
  fallback_.reset();
  told_.reset();
  active_ = false;
}

void Child::pass_on_ref() noexcept {
  exited_.set_ref(ref());
  if (fallback_ == nullptr) return;
  fallback_->sigchld.set_ref(ref());
  fallback_->tick.set_ref(ref());
}

void Child::look() noexcept {
  if (rpid == 0) {
    const int status = ask();
    if (status == ProcessEnd::kStillRunning) {
      if (told_ == nullptr || told_->end.survives_fork()) return;
      exited_.forget();
      told_.reset();
      return begin_fallback(kMomentLater);
    }
    rpid = pid;
    rstatus = status;
  }
  report();
}

void Child::report() noexcept {
  end();
  callback(*this, kChildEvent);
}

void Child::on_exited(Watcher& exited, int revents) noexcept {
  Child& self = *static_cast<Child*>(exited.owner);
  if ((revents & kCustomEvent) == 0) return self.look();
  if (self.active_ && self.rpid != 0) return self.report();
  self.callback(self, revents & ~kCustomEvent);
}

}  // namespace gevent
