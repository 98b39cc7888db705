#include "loop/watcher.h"

#include "loop/loop.h"

namespace gevent {

Watcher::Watcher(Kind kind, Loop& loop, Callback callback, void* owner) noexcept
    : callback(callback), owner(owner), loop_(&loop), next_of_loop_(loop.watchers_), kind_(kind) {
  if (next_of_loop_ != nullptr) next_of_loop_->previous_of_loop_ = this;
  loop.watchers_ = this;
}

Watcher::~Watcher() {
  if (loop_ == nullptr) return;
  // Those made of others have stopped in their own destructors, and are no longer what kind_ says.
  if (kind_ != Kind::kChild && kind_ != Kind::kEventfd) stop();
  if (kind_ == Kind::kIo && usable()) loop_->forget(*this);
  if (next_of_loop_ != nullptr) next_of_loop_->previous_of_loop_ = previous_of_loop_;
  (previous_of_loop_ != nullptr ? previous_of_loop_->next_of_loop_ : loop_->watchers_) = next_of_loop_;
}

bool Watcher::usable() const noexcept { return loop_ != nullptr && !loop_->abandoned(); }

void Watcher::start() noexcept {
  if (!usable()) return;
  switch (kind_) {
    case Kind::kChild:
      return static_cast<Child*>(this)->begin();
#ifdef GEVENT_HAVE_EVENTFD
    case Kind::kEventfd:
      return static_cast<Eventfd*>(this)->begin();
#endif
    default:
      return loop_->start(*this);
  }
}

void Watcher::stop() noexcept {
  if (!usable()) return;
  switch (kind_) {
    case Kind::kChild:
      return static_cast<Child*>(this)->end();
#ifdef GEVENT_HAVE_EVENTFD
    case Kind::kEventfd:
      return static_cast<Eventfd*>(this)->readable_.stop();
#endif
    default:
      return loop_->stop(*this);
  }
}

void Io::rest() noexcept {
  if (loop() != nullptr && !loop()->abandoned()) loop()->rest(*this);
}

bool Watcher::active() const noexcept {
  if (!usable()) return false;
  switch (kind_) {
    case Kind::kChild:
      return static_cast<const Child*>(this)->active_;
#ifdef GEVENT_HAVE_EVENTFD
    case Kind::kEventfd:
      return static_cast<const Eventfd*>(this)->readable_.active();
#endif
    default:
      return loop_->active(*this);
  }
}

bool Watcher::pending() const noexcept {
  if (!usable()) return false;
  switch (kind_) {
    case Kind::kChild:
      return static_cast<const Child*>(this)->exited_.pending();
#ifdef GEVENT_HAVE_EVENTFD
    case Kind::kEventfd:
      return static_cast<const Eventfd*>(this)->readable_.pending();
#endif
    default:
      return loop_->pending(*this);
  }
}

void Watcher::feed(int revents) noexcept {
  if (!usable()) return;
  // kCustomEvent tells those made of an Io that this is not the Io's own event.
  switch (kind_) {
    case Kind::kChild:
      return loop_->feed(static_cast<Child*>(this)->exited_, revents | kCustomEvent);
#ifdef GEVENT_HAVE_EVENTFD
    case Kind::kEventfd:
      return loop_->feed(static_cast<Eventfd*>(this)->readable_, revents | kCustomEvent);
#endif
    default:
      return loop_->feed(*this, revents);
  }
}

void Watcher::set_ref(bool ref) noexcept {
  if (ref == ref_) return;
  ref_ = ref;
  if (!usable()) return;
  switch (kind_) {
    case Kind::kChild:
      return static_cast<Child*>(this)->pass_on_ref();
#ifdef GEVENT_HAVE_EVENTFD
    case Kind::kEventfd:
      return static_cast<Eventfd*>(this)->readable_.set_ref(ref);
#endif
    default:
      return loop_->set_ref(*this, ref);
  }
}

void Io::forget() noexcept {
  stop();
  if (loop() != nullptr && !loop()->abandoned()) loop()->forget(*this);
}

void Timer::again() noexcept {
  if (loop() != nullptr && !loop()->abandoned()) loop()->again(*this);
}

double Timer::at() const noexcept { return loop() != nullptr && !loop()->abandoned() ? loop()->due(*this) : after_s_; }

void Async::send() noexcept {
  if (loop() != nullptr && !loop()->abandoned()) loop()->send(*this);
}

bool Async::sent() const noexcept { return loop() != nullptr && !loop()->abandoned() && loop()->sent(*this); }

}  // namespace gevent
