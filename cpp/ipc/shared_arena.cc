#include "ipc/shared_arena.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "ipc/shared_semaphore.h"

namespace gevent {
namespace {

constexpr std::size_t kBytes = std::size_t{SharedArena::kSlots} * sizeof(SharedArena::Slot);
constexpr std::uint64_t kMagic = 0x314b434f4c564745;  // changes with the layout of a slot

struct Header {
  std::uint64_t magic;
  SharedArena::Id id;
};
static_assert(sizeof(Header) <= sizeof(SharedArena::Slot));
static_assert(std::atomic<std::uint32_t>::is_always_lock_free, "processes share these");

SharedArena::Id random_id() {
  std::random_device random;
  SharedArena::Id id;
  for (std::uint64_t& half : id) half = (std::uint64_t{random()} << 32) | random();
  return id;
}

}  // namespace

Result<std::unique_ptr<SharedArena>> SharedArena::create() noexcept {
  Result<SharedMapping> memory = SharedMapping::create(kBytes);
  if (!memory) return memory.error();
  std::vector<Lane> lanes;
  for (std::size_t i = 0; i < kLanes; ++i) {
    Result<Lane> lane = Lane::create();
    if (!lane) return lane.error();
    lanes.push_back(std::move(lane).value());
  }
  const Header header{kMagic, random_id()};
  std::memcpy(memory.value().data(), &header, sizeof header);
  return std::unique_ptr<SharedArena>(new SharedArena(std::move(memory).value(), std::move(lanes), true));
}

Result<std::unique_ptr<SharedArena>> SharedArena::attach(std::vector<OwnedFd> descriptors) noexcept {
  const bool eventfds = descriptors.size() == 1 + kLanes;
  if (!eventfds && descriptors.size() != 1 + 2 * kLanes) return Error(EINVAL, "number of an arena's descriptors");
  Result<SharedMapping> memory = SharedMapping::attach(std::move(descriptors[0]), kBytes);
  if (!memory) return memory.error();
  Header header;
  std::memcpy(&header, memory.value().data(), sizeof header);
  if (header.magic != kMagic) return Error(EINVAL, "shared memory of another version of gevent");
  std::vector<Lane> lanes;
  for (std::size_t i = 1; i < descriptors.size(); i += eventfds ? 1 : 2) {
    if (eventfds) {
      lanes.emplace_back(std::move(descriptors[i]));
    } else {
      lanes.emplace_back(std::move(descriptors[i]), std::move(descriptors[i + 1]));
    }
  }
  return std::unique_ptr<SharedArena>(new SharedArena(std::move(memory).value(), std::move(lanes), false));
}

SharedArena::SharedArena(SharedMapping memory, std::vector<Lane> lanes, bool made_here) noexcept
    : memory_(std::move(memory)),
      lanes_(std::move(lanes)),
      made_in_(made_here ? fork_generation() : ~std::uint64_t{0}) {
  Header header;
  std::memcpy(&header, memory_.data(), sizeof header);
  id_ = header.id;
}

std::vector<int> SharedArena::descriptors() const {
  std::vector<int> all{memory_.fd()};
  for (const Lane& lane : lanes_) lane.append_descriptors(all);
  return all;
}

std::optional<std::uint32_t> SharedArena::allocate(std::uint32_t value) noexcept {
  GEVENT_CHECK(made_here());
  if (free_.empty() && next_ >= sweep_at_) sweep();
  std::uint32_t index;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else if (next_ < kSlots) {
    index = next_++;
  } else {
    return std::nullopt;
  }
  Slot& made = slot(index);
  made.asleep.store(0, std::memory_order_relaxed);
  made.value.store(value, std::memory_order_relaxed);
  made.users.store(1, std::memory_order_release);
  return index;
}

// Finds the slots whose last user was another process. Costs as much as there are slots, and is done again only when
// twice as many are in use, or half of what it found is used up: a constant price per semaphore.
void SharedArena::sweep() noexcept {
  for (std::uint32_t index = 1; index < next_; ++index) {
    if (slot(index).users.load(std::memory_order_acquire) == 0) free_.push_back(index);
  }
  if (free_.size() < next_ / 2) sweep_at_ = std::min(kSlots, next_ * 2);
}

void SharedArena::add_user(std::uint32_t index) noexcept { slot(index).users.fetch_add(1, std::memory_order_relaxed); }

void SharedArena::remove_user(std::uint32_t index) noexcept {
  std::atomic<std::uint32_t>& users = slot(index).users;
  std::uint32_t before = users.load(std::memory_order_relaxed);
  do {
    if (before == 0) return;  // a mistake of another process must not become an enormous count
  } while (!users.compare_exchange_weak(before, before - 1, std::memory_order_acq_rel));
  // With free slots at hand there is no sweep, which would find this one a second time.
  if (before == 1 && made_here()) free_.push_back(index);
}

void SharedArena::add_users_of_child() noexcept {
  for (Member* member = members.front(); member != nullptr; member = members.after(*member)) {
    if (!member->counted()) continue;
    add_user(member->slot);
    member->forked_to = fork_generation() + 1;
  }
}

void SharedArena::remove_own_users() noexcept {
  while (Member* member = members.pop_front()) {
    if (member->counted()) remove_user(member->slot);
  }
}

void SharedArena::rang(std::size_t lane) noexcept {
  IntrusiveList<SharedSemaphore>& semaphores = waiting[lane];
  SharedSemaphore* semaphore = semaphores.front();
  while (semaphore != nullptr) {
    SharedSemaphore* following = semaphores.after(*semaphore);
    semaphore->look_again();
    semaphore = following;
  }
}

}  // namespace gevent
