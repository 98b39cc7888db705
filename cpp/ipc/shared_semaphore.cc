#include "ipc/shared_semaphore.h"

#include <utility>

#include "ipc/word_sleep.h"

namespace gevent {

SharedSemaphore::SharedSemaphore(std::shared_ptr<SharedArena> arena, SharedArena::Place place) noexcept
    : arena_(std::move(arena)), member_(place.slot), slot_(arena_->slot(place.slot)), generation_(place.generation) {
  arena_->members.push_back(member_);
}

SharedSemaphore::~SharedSemaphore() {
  forget_line();
  stop_sleeping();
  // Not linked: leave_all() has counted this one off already.
  if (member_.linked()) {
    member_.unlink();
    if (member_.counted()) arena_->leave(member_.slot);
  }
}

bool SharedSemaphore::announce_sleep() noexcept {
  if (linked()) return true;
  const std::optional<std::uint32_t> number = arena_->sleeper_number();
  if (!number) return false;
  arena_->waiting.push_back(*this);
  slot_.arrivals.add(*number);
  World world{*this};
  wake::announce(world, *number);
  return true;
}

void SharedSemaphore::stop_sleeping() noexcept {
  if (!linked()) return;
  unlink();
  // The mark of a process that forked without telling is its parent's business.
  if (const std::optional<std::uint32_t> number = arena_->processes().own()) {
    World world{*this};
    wake::retire(world, *number);
  }
}

void SharedSemaphore::end_sleep() noexcept {
  if (--sleeping_ == 0) stop_sleeping();
  // The next in line, or whoever is next anywhere. Those of this process who are not in line are about to look.
  if (!line.empty()) {
    if (value() > 0) line.wake_one();
  } else if (sleeping_ == 0) {
    World world{*this};
    wake::pass_on(world);
  }
}

void SharedSemaphore::look_again() noexcept {
  std::uint32_t woken = 0;
  for (const std::uint32_t units = slot_.value.load(wake::kRules[wake::kLook].order); woken < units && line.wake_one();
       ++woken) {
  }
}

void SharedSemaphore::mark_again() noexcept {
  if (const std::optional<std::uint32_t> number = arena_->sleeper_number()) {
    slot_.arrivals.add(*number);
    World world{*this};
    wake::announce(world, *number);
  }
}

void SharedSemaphore::forget_line() noexcept {
  while (Waiter* waiter = line.front()) waiter->unlink();
  sleeping_ = 0;
}

void SharedSemaphore::begin_thread_sleep() noexcept {
  slot_.arrivals.add_thread();
  World world{*this};
  wake::announce_thread(world);
}

void SharedSemaphore::thread_sleep(std::chrono::nanoseconds longest) noexcept {
  sleep_while_zero(slot_.value, longest);
}

void SharedSemaphore::end_thread_sleep() noexcept {
  World world{*this};
  wake::retire_thread(world);
  wake::pass_on(world);
}

std::uint32_t SharedSemaphore::World::first(const wake::Marks<kWords>& marks, std::uint32_t threads,
                                            std::uint32_t turn) const noexcept {
  return self.slot_.arrivals.first(marks, threads, turn);
}

bool SharedSemaphore::World::wake_thread() const noexcept { return wake_one_sleeper(self.slot_.value); }

void SharedSemaphore::World::ring(std::uint32_t process) const noexcept {
  if (const Lane* lane = self.arena_->lane_of(process)) lane->ring();
}

}  // namespace gevent
