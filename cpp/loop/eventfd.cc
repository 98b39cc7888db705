#include "loop/loop.h"
#include "loop/watcher.h"

#ifdef GEVENT_HAVE_EVENTFD
#include <unistd.h>

namespace gevent {

Eventfd::Eventfd(Loop& loop, int fd, Callback callback, void* owner) noexcept
    : Watcher(Kind::kEventfd, loop, callback, owner), readable_(loop, fd, kRead, &Eventfd::on_readable, this) {}

Eventfd::~Eventfd() { stop(); }

void Eventfd::begin() noexcept {
  if (!readable_.active()) readable_.set_priority(priority());
  readable_.start();
}

void Eventfd::on_readable(Watcher& readable, int revents) noexcept {
  Eventfd& self = *static_cast<Eventfd*>(readable.owner);
  if ((revents & (kCustomEvent | kErrorEvent)) == 0) {
    std::uint64_t taken = 0;
    if (::read(self.fd(), &taken, sizeof taken) != sizeof taken) return;  // another process was faster
    self.value = taken;
  }
  self.callback(self, revents & ~kCustomEvent);
}

}  // namespace gevent
#endif
