// Where the semaphores of related processes live: one piece of shared memory, cut into slots, with a few lanes.
//
// How processes share a semaphore, in one place:
//
// * Each process that makes semaphores has one arena, made at the first of them. An arena is one memory file and kLanes
//   eventfds, however many semaphores are in it. Its fork children inherit it; others are handed its descriptors (once
//   per child, however many semaphores they get) and a slot number for each semaphore.
// * The truth about a semaphore is the count in its slot, which is taken and given back by one atomic operation.
//   Whoever finds none says so in the slot ("somebody sleeps") and listens to the slot's lane; whoever gives a unit
//   back where somebody sleeps rings the lane. A ring is only a hint to look at the counts again, and all who listen
//   hear it, so a process that is killed between hearing and taking takes nothing along.
// * A lane is shared by every kLanes-th slot. Listeners look at their own slots in shared memory and go on sleeping if
//   it was not for them: no switch, no system call but the one that heard the ring.
// * A slot is used again when no process uses its semaphore any more: a count in the slot, kept by making, forking,
//   handing over and destroying. A process that is killed leaves its part of the count, so such a slot (64 bytes) is
//   lost until the process that made the arena, and all who share it, are gone. So is everything then: nothing of
//   this has a name anywhere.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/fork_generation.h"
#include "base/intrusive_list.h"
#include "ipc/lane.h"
#include "ipc/shared_mapping.h"

namespace gevent {

class SharedSemaphore;

// Callers of one process take turns (in the bindings: the GIL); other processes need no turn.
class SharedArena {
 public:
  static constexpr std::size_t kLanes = 4;
  static constexpr std::uint32_t kSlots = 1u << 20;

  // What is in shared memory. A cache line each, so that two busy locks do not slow each other down.
  struct alignas(64) Slot {
    std::atomic<std::uint32_t> users;   // how many semaphore objects, in all processes, stand for this slot
    std::atomic<std::uint32_t> value;   // units to take
    std::atomic<std::uint32_t> asleep;  // not 0: ring when a unit comes back
  };
  // Tells one arena from all others, in every process.
  using Id = std::array<std::uint64_t, 2>;

  static Result<std::unique_ptr<SharedArena>> create() noexcept;
  // From descriptors() of another process.
  static Result<std::unique_ptr<SharedArena>> attach(std::vector<OwnedFd> descriptors) noexcept;

  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;

  [[nodiscard]] const Id& id() const noexcept { return id_; }
  // The memory, then the lanes: what another process needs for attach(). They stay ours.
  [[nodiscard]] std::vector<int> descriptors() const;

  // Whether this process made it; false in its forked children.
  [[nodiscard]] bool made_here() const noexcept { return made_in_ == fork_generation(); }
  // A slot with one user, `value` units and nobody asleep; none when all are in use.
  // Requires: made_here(), allocation is not shared.
  [[nodiscard]] std::optional<std::uint32_t> allocate(std::uint32_t value) noexcept;
  // One more, or one less, semaphore object stands for this slot. A sender calls add_user() for the receiver.
  void add_user(std::uint32_t slot) noexcept;
  void remove_user(std::uint32_t slot) noexcept;
  // Whether `slot` may be the number of a semaphore here.
  [[nodiscard]] bool contains(std::uint32_t slot) const noexcept { return slot > 0 && slot < kSlots; }

  // Before a fork: the child's copies of this process's semaphores become users.
  void add_users_of_child() noexcept;
  // At the end of a process that will not destroy its objects.
  void remove_own_users() noexcept;

  [[nodiscard]] Slot& slot(std::uint32_t index) const noexcept {
    return reinterpret_cast<Slot*>(memory_.data())[index];
  }
  [[nodiscard]] const Lane& lane_of(std::uint32_t slot) const noexcept { return lanes_[slot % kLanes]; }
  [[nodiscard]] const std::vector<Lane>& lanes() const noexcept { return lanes_; }

  // Semaphores of this process with somebody in line, by lane; and all of them.
  std::array<IntrusiveList<SharedSemaphore>, kLanes> waiting;
  class Member;
  IntrusiveList<Member> members;

  // `lane` rang: wakes those in line whose semaphores have units.
  void rang(std::size_t lane) noexcept;

 private:
  SharedArena(SharedMapping memory, std::vector<Lane> lanes, bool made_here) noexcept;
  void sweep() noexcept;

  SharedMapping memory_;
  std::vector<Lane> lanes_;
  Id id_;
  std::uint64_t made_in_;  // fork generation of the process that made the arena, never equal elsewhere
  // Allocation, in that process: slots from next_ on were never used; free_ are used no more.
  std::uint32_t next_ = 1;  // slot 0 holds the id
  std::uint32_t sweep_at_ = 1024;
  std::vector<std::uint32_t> free_;
};

}  // namespace gevent
