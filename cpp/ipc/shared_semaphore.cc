#include "ipc/shared_semaphore.h"

#include <utility>

namespace gevent {

SharedSemaphore::SharedSemaphore(std::shared_ptr<SharedArena> arena, std::uint32_t slot) noexcept
    : arena_(std::move(arena)), member_(slot), slot_(arena_->slot(slot)) {
  arena_->members.push_back(member_);
}

SharedSemaphore::~SharedSemaphore() {
  forget_line();
  unlink();
  // Not linked: remove_own_users() has counted this one off already.
  if (member_.linked()) {
    member_.unlink();
    if (member_.counted()) arena_->remove_user(member_.slot);
  }
}

// Why no wake-up is lost: a sleeper first says so and then looks at the count; who gives back first raises the count
// and then looks for sleepers. In the one order that all processes agree on, either the sleeper sees the unit or the
// other sees the sleeper. Ringing takes the mark away, and everyone who hears the ring and goes on sleeping puts it
// back before looking: so the mark of a sleeper that was killed costs one needless ring, not one for ever.
void SharedSemaphore::announce_sleep() noexcept {
  slot_.asleep.store(1);
  if (!linked()) arena_->waiting[lane()].push_back(*this);
}

void SharedSemaphore::wake_sleepers() noexcept {
  if (slot_.asleep.exchange(0) != 0) arena_->lane_of(member_.slot).ring();
}

void SharedSemaphore::look_again() noexcept {
  std::uint32_t woken = 0;
  const auto wake_for_units = [&] {
    for (const std::uint32_t units = value(); woken < units && line.wake_one(); ++woken) {
    }
  };
  wake_for_units();
  if (line.empty()) {
    unlink();  // those who find nothing announce themselves again
    return;
  }
  slot_.asleep.store(1);
  wake_for_units();
}

void SharedSemaphore::forget_line() noexcept {
  while (Waiter* waiter = line.front()) waiter->unlink();
}

}  // namespace gevent
