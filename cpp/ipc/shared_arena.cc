#include "ipc/shared_arena.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "ipc/shared_semaphore.h"

namespace gevent {

// At the beginning of the memory; the table of processes and the slots follow.
struct alignas(64) SharedArena::Header {
  std::uint64_t magic;
  Id id;
  std::uint32_t processes;
  std::uint32_t slots;
  std::uint32_t lanes;
  std::atomic<std::uint32_t> touched;  // slots below were used once
};

namespace {

constexpr std::uint64_t kMagic = 0x334b434f4c564745;  // changes with the layout
static_assert(std::atomic<std::uint32_t>::is_always_lock_free, "processes share these");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "processes share these");

constexpr std::size_t kHeaderBytes = 64;

std::size_t bytes_for(std::uint32_t processes, std::uint32_t slots) noexcept {
  return kHeaderBytes + processes * sizeof(ProcessTable::Entry) + std::size_t{slots} * sizeof(SharedArena::Slot);
}

// A small memory has fewer processes, too.
std::uint32_t processes_in(std::size_t bytes) noexcept {
  return static_cast<std::uint32_t>(std::min<std::size_t>(ProcessTable::kMax, bytes / 3 / sizeof(ProcessTable::Entry)));
}

constexpr std::size_t kSmallest = 2048;

// From the kernel itself: std::random_device may need a descriptor, and throws where there is none.
Result<SharedArena::Id> random_id() noexcept {
  SharedArena::Id id;
  if (::getentropy(&id, sizeof id) != 0) return Error::from_errno("getentropy");
  return id;
}

// As many as asked for, or one, or none: the program needs descriptors too.
std::vector<Lane> create_lanes(std::uint32_t count) noexcept {
  std::vector<Lane> lanes;
  for (const std::uint32_t wanted : {count, std::min(count, 1u)}) {
    lanes.clear();
    while (lanes.size() < wanted) {
      Result<Lane> lane = Lane::create();
      if (!lane) break;
      lanes.push_back(std::move(lane).value());
    }
    if (lanes.size() == wanted) break;
    lanes.clear();
  }
  return lanes;
}

}  // namespace

Result<std::unique_ptr<SharedArena>> SharedArena::create(std::uint32_t lane_count) noexcept {
  Result<SharedMapping> memory = SharedMapping::create(bytes_for(ProcessTable::kMax, kSlots), kSmallest);
  if (!memory) return memory.error();
  const Result<Id> id = random_id();
  if (!id) return id.error();
  const std::size_t size = memory.value().size();
  const std::uint32_t processes = processes_in(size);
  const auto slots = static_cast<std::uint32_t>((size - bytes_for(processes, 0)) / sizeof(Slot));
  if (Result<void> backed = memory.value().back(bytes_for(processes, 1)); !backed) return backed.error();
  std::vector<Lane> lanes = create_lanes(lane_count);
  auto* header = new (memory.value().data()) Header{};
  header->id = id.value();
  header->processes = processes;
  header->slots = std::min(slots, kSlots);
  header->lanes = static_cast<std::uint32_t>(lanes.size());
  header->touched.store(1);
  header->magic = kMagic;
  return std::unique_ptr<SharedArena>(new SharedArena(std::move(memory).value(), std::move(lanes), true));
}

Result<std::unique_ptr<SharedArena>> SharedArena::attach(std::vector<OwnedFd> descriptors) noexcept {
  if (descriptors.empty()) return Error(EINVAL, "number of an arena's descriptors");
  Result<SharedMapping> memory = SharedMapping::attach(std::move(descriptors[0]), kSmallest);
  if (!memory) return memory.error();
  const auto* header = reinterpret_cast<const Header*>(memory.value().data());
  if (header->magic != kMagic || header->processes > ProcessTable::kMax ||
      bytes_for(header->processes, header->slots) > memory.value().size()) {
    return Error(EINVAL, "shared memory of another version of gevent");
  }
  const std::size_t count = header->lanes;
  const bool eventfds = descriptors.size() == 1 + count;
  if (!eventfds && descriptors.size() != 1 + 2 * count) return Error(EINVAL, "number of an arena's descriptors");
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
      header_(reinterpret_cast<Header*>(memory_.data())),
      slots_(reinterpret_cast<Slot*>(memory_.data() + bytes_for(header_->processes, 0))),
      processes_({reinterpret_cast<ProcessTable::Entry*>(memory_.data() + kHeaderBytes), header_->processes},
                 memory_.fd(), made_here),
      id_(header_->id),
      made_in_(made_here ? fork_generation() : ~std::uint64_t{0}) {
  static_assert(sizeof(Header) == kHeaderBytes);
}

SharedArena::~SharedArena() { processes_.leave(); }

std::vector<int> SharedArena::descriptors() const {
  std::vector<int> all{memory_.fd()};
  for (const Lane& lane : lanes_) lane.append_descriptors(all);
  return all;
}

std::optional<SharedArena::Place> SharedArena::allocate(std::uint32_t value) noexcept {
  GEVENT_CHECK(made_here());
  if (free_.empty() && next_ >= sweep_at_) sweep();
  for (;;) {
    std::uint32_t index;
    if (!free_.empty()) {
      index = free_.back();
      free_.pop_back();
    } else if (next_ < header_->slots && memory_.back(bytes_for(header_->processes, next_ + 1))) {
      index = next_++;
      header_->touched.store(next_);
    } else {
      return std::nullopt;
    }
    Slot& made = slot(index);
    // Whoever joins marks first and looks at the generation then; so either it is refused or it is seen here.
    const std::uint32_t generation = made.generation.fetch_add(1) + 1;
    if (in_use(index)) continue;
    for (auto& word : made.sleepers) word.store(0, std::memory_order_relaxed);
    made.threads.store(0, std::memory_order_relaxed);
    made.turn.store(0, std::memory_order_relaxed);
    made.arrivals.clear();
    made.value.store(value);
    mark_user(index);
    return Place{index, generation};
  }
}

// Finds the slots whose last user was another process, or is dead. Costs as much as there are slots, and is done again
// only when twice as many are in use, or half of what it found is used up: a constant price per semaphore.
void SharedArena::sweep() noexcept {
  clear_marks_of_the_dead();
  for (std::uint32_t index = 1; index < next_; ++index) {
    if (!in_use(index)) free_.push_back(index);
  }
  if (free_.size() < next_ / 2) sweep_at_ = std::min(header_->slots, next_ * 2);
}

void SharedArena::clear_marks_of_the_dead() noexcept {
  processes_.reap([this](const ProcessTable::Marks& dead) {
    const auto clear = [](std::atomic<std::uint64_t>& word, std::uint64_t marks) {
      if ((word.load() & marks) != 0) word.fetch_and(~marks);
    };
    const std::uint32_t end = header_->touched.load();
    for (std::uint32_t index = 1; index < end; ++index) {
      Slot& each = slot(index);
      for (std::size_t i = 0; i < kWords; ++i) {
        clear(each.sleepers[i], dead[i]);
        clear(each.users[i], dead[i]);
      }
    }
  });
}

bool SharedArena::in_use(std::uint32_t index) const noexcept {
  const Slot& asked = slot(index);
  return asked.unmarked_users.load() != 0 ||
         std::any_of(std::begin(asked.users), std::end(asked.users), [](const auto& word) { return word.load() != 0; });
}

std::uint32_t SharedArena::slots_touched() const noexcept { return header_->touched.load() - 1; }

std::uint32_t SharedArena::slots_in_use() noexcept {
  clear_marks_of_the_dead();
  std::uint32_t count = 0;
  for (std::uint32_t index = 1; index <= slots_touched(); ++index) count += in_use(index) ? 1 : 0;
  return count;
}

std::optional<std::uint32_t> SharedArena::own_number() noexcept {
  if (!processes_.asked()) {
    further_.clear();  // of a process that forked without telling
    if (!processes_.ask()) {
      clear_marks_of_the_dead();
      static_cast<void>(processes_.ask());
    }
  }
  return processes_.own();
}

void SharedArena::mark_user(std::uint32_t index) noexcept {
  const std::optional<std::uint32_t> mine = own_number();
  if (!mine) {
    slot(index).unmarked_users.fetch_add(1);
    return;
  }
  const std::uint64_t mark = std::uint64_t{1} << *mine % 64;
  if ((slot(index).users[*mine / 64].fetch_or(mark) & mark) != 0) ++further_[index];
}

bool SharedArena::join(Place place) noexcept {
  if (place.slot == 0 || place.slot >= header_->slots) return false;
  mark_user(place.slot);
  if (slot(place.slot).generation.load() == place.generation) return true;
  leave(place.slot);
  return false;
}

void SharedArena::leave(std::uint32_t index) noexcept {
  Slot& left = slot(index);
  if (const std::optional<std::uint32_t> mine = processes_.own()) {
    if (const auto further = further_.find(index); further != further_.end()) {
      if (--further->second == 0) further_.erase(further);
      return;
    }
    left.users[*mine / 64].fetch_and(~(std::uint64_t{1} << *mine % 64));
  } else {
    std::uint32_t before = left.unmarked_users.load();
    do {
      if (before == 0) return;  // a mistake of another process must not become an enormous count
    } while (!left.unmarked_users.compare_exchange_weak(before, before - 1));
  }
  if (made_here() && !in_use(index)) free_.push_back(index);
}

void SharedArena::before_fork() noexcept {
  if (members.empty()) return;
  std::optional<std::uint32_t> child = processes_.reserve_for_child();
  if (!child) {
    clear_marks_of_the_dead();
    child = processes_.reserve_for_child();
  }
  for (Member* member = members.front(); member != nullptr; member = members.after(*member)) {
    if (!member->counted()) continue;
    if (child) {
      slot(member->slot).users[*child / 64].fetch_or(std::uint64_t{1} << *child % 64);
    } else {
      slot(member->slot).unmarked_users.fetch_add(1);
    }
    member->forked_to = fork_generation() + 1;
  }
}

void SharedArena::leave_all() noexcept {
  // Who gets this process's number next does not sleep there.
  while (SharedSemaphore* semaphore = waiting.front()) semaphore->stop_sleeping();
  while (Member* member = members.pop_front()) {
    if (member->counted()) leave(member->slot);
  }
  processes_.leave();
}

const Lane* SharedArena::lane_of(std::uint32_t process) const noexcept {
  const std::uint32_t lane = processes_[process].lane.load();
  return lane == 0 || lane > lanes_.size() ? nullptr : &lanes_[lane - 1];
}

void SharedArena::choose_lane(std::uint32_t process) noexcept {
  std::array<std::uint32_t, kLanes> listeners{};
  for (std::uint32_t i = 0; i < processes_.size(); ++i) {
    const std::uint32_t lane = processes_[i].owner.load() != 0 ? processes_[i].lane.load() : 0;
    if (lane > 0 && lane <= listeners.size()) ++listeners[lane - 1];
  }
  // Of equals each begins at another, so that those who choose at the same time choose differently.
  const auto count = static_cast<std::uint32_t>(std::min(lanes_.size(), listeners.size()));
  std::uint32_t best = process % count;
  for (std::uint32_t i = 1; i < count; ++i) {
    const std::uint32_t other = (process + i) % count;
    if (listeners[other] < listeners[best]) best = other;
  }
  processes_[process].lane.store(best + 1);
}

std::optional<std::uint32_t> SharedArena::sleeper_number() noexcept {
  const std::optional<std::uint32_t> mine = own_number();
  if (!mine || lanes_.empty()) return std::nullopt;
  if (processes_[*mine].lane.load() == 0) choose_lane(*mine);
  return mine;
}

void SharedArena::rang() noexcept {
  if (const std::optional<std::uint32_t> mine = processes_.own()) {
    processes_[*mine].heard.fetch_add(1, wake::kRules[wake::kHear].order);
  }
  SharedSemaphore* semaphore = waiting.front();
  while (semaphore != nullptr) {
    SharedSemaphore* following = waiting.after(*semaphore);
    semaphore->look_again();
    semaphore = following;
  }
}

void SharedArena::look_again() noexcept {
  for (SharedSemaphore* semaphore = waiting.front(); semaphore != nullptr; semaphore = waiting.after(*semaphore)) {
    semaphore->mark_again();
  }
  rang();
}

}  // namespace gevent
