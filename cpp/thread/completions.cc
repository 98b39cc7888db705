#include "thread/completions.h"

namespace gevent {

Completions::Completions(Loop& loop, Deliver deliver, void* owner) noexcept
    : wake_(loop, &Completions::on_wake, this), deliver_(deliver), owner_(owner) {
  // Listening alone is no reason to keep a loop running.
  wake_.set_ref(false);
  wake_.start();
}

Completions::~Completions() {
  if (expected_ != 0) hold(false);
  wake_.stop();
}

void Completions::expect() noexcept {
  if (expected_++ == 0) hold(true);
}

void Completions::give_up() noexcept {
  if (--expected_ == 0) hold(false);
}

void Completions::disconnect() noexcept {
  wake_.stop();
  if (expected_ != 0) hold(false);
  expected_ = 0;
}

void Completions::hold(bool holds) noexcept {
  wake_.set_ref(holds);
  if (Loop* const loop = wake_.loop(); loop != nullptr) loop->idle_holds += holds ? 1 : -1;
}

bool Completions::post(Job& job) {
  const std::lock_guard lock(mutex_);
  const bool first = done_.empty();
  done_.push_back(job);
  return first;
}

void Completions::on_wake(Watcher& watcher, int) noexcept { static_cast<Completions*>(watcher.owner)->deliver_all(); }

void Completions::deliver_all() noexcept {
  // Only what is here now: jobs that finish meanwhile send a wake-up of their own, and others get their turn first. The
  // batch is no local variable, since a delivery may switch to another greenlet, which takes this stack away.
  {
    const std::lock_guard lock(mutex_);
    batch_.take_all(done_);
  }
  while (Job* job = batch_.pop_front()) {
    const bool last = batch_.empty();
    give_up();
    deliver_(owner_, *job);
    if (last) return;
  }
}

}  // namespace gevent
