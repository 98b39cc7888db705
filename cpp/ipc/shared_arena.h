// Where the semaphores of related processes live: one piece of shared memory, cut into slots, with a few lanes.
//
// How processes share a semaphore, in one place:
//
// * Each process that makes semaphores has one arena, made at the first of them. An arena is one memory file and kLanes
//   eventfds, however many semaphores are in it. Its fork children inherit it; others are handed its descriptors (once
//   per child, however many semaphores they get) and a slot number for each semaphore.
// * The truth about a semaphore is the count in its slot, which is taken and given back by one atomic operation.
//   Whoever finds none marks its process in the slot and listens to the process's lane; whoever gives a unit back where
//   a process is marked rings that one's lane. wake_protocol.h says why nobody sleeps for ever.
// * A process takes the lane that the fewest listen to, when it first sleeps. Up to kLanes processes have one of their
//   own; more share, hear each other's rings, look at their own slots and go on sleeping.
// * Who uses a slot is said in the slot too, a mark for each process: kept by making, forking, receiving and
//   destroying. The marks of a process that was killed are cleared when slots run short, and when entries in the table
//   of processes do (process_table.h): so nothing is lost for ever, however many processes come and are killed.
//   Semaphores on their way to a process that is being started are kept by the starter, as long as that one lives.
// * More than ProcessTable::kMax processes at a time in one arena: those beyond count their slots without a mark, which
//   is lost if they are killed, and look again and again where others sleep.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/fork_generation.h"
#include "base/intrusive_list.h"
#include "ipc/arrival_order.h"
#include "ipc/lane.h"
#include "ipc/process_table.h"
#include "ipc/shared_mapping.h"

namespace gevent {

class SharedSemaphore;

// Callers of one process take turns (in the bindings: the GIL); other processes need no turn.
class SharedArena {
 public:
  static constexpr std::uint32_t kLanes = 16;
  static constexpr std::uint32_t kSlots = 1u << 20;
  static constexpr std::size_t kWords = ProcessTable::kMax / 64;

  // What is in shared memory. The first cache line is for taking, giving and sleeping, the second for who uses it.
  struct alignas(64) Slot {
    std::atomic<std::uint32_t> value;       // units to take
    std::atomic<std::uint32_t> threads;     // how many threads sleep at `value` itself
    std::atomic<std::uint32_t> turn;        // whom to wake next
    std::atomic<std::uint32_t> generation;  // which of the semaphores that live here one after the other
    std::atomic<std::uint64_t> sleepers[kWords];

    std::atomic<std::uint64_t> users[kWords];
    std::atomic<std::uint32_t> unmarked_users;  // semaphore objects of processes without an entry
    ArrivalOrder arrivals;                      // of the sleepers
  };
  static_assert(sizeof(Slot) == 128);
  static_assert(ProcessTable::kMax <= ArrivalOrder::kProcesses);
  // Which semaphore, for other processes: a slot may have had others before.
  struct Place {
    std::uint32_t slot;
    std::uint32_t generation;
  };
  // Tells one arena from all others, in every process.
  using Id = std::array<std::uint64_t, 2>;

  // `lanes`: how many to have at most. Short of descriptors, there are fewer, and short of room, fewer slots.
  static Result<std::unique_ptr<SharedArena>> create(std::uint32_t lanes = kLanes) noexcept;
  // From descriptors() of another process.
  static Result<std::unique_ptr<SharedArena>> attach(std::vector<OwnedFd> descriptors) noexcept;

  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;
  ~SharedArena();

  [[nodiscard]] const Id& id() const noexcept { return id_; }
  // The memory, then the lanes: what another process needs for attach(). They stay ours.
  [[nodiscard]] std::vector<int> descriptors() const;

  // Whether this process made it; false in its forked children.
  [[nodiscard]] bool made_here() const noexcept { return made_in_ == fork_generation(); }
  // A slot with this process as its user, `value` units and nobody asleep; none when all are in use.
  // Requires: made_here(), allocation is not shared.
  [[nodiscard]] std::optional<Place> allocate(std::uint32_t value) noexcept;
  // This process is going to use what another one sent; false if it is not there any more.
  [[nodiscard]] bool join(Place place) noexcept;
  void leave(std::uint32_t slot) noexcept;
  [[nodiscard]] bool in_use(std::uint32_t slot) const noexcept;
  // How many slots were ever used: grows only while those in use do.
  [[nodiscard]] std::uint32_t slots_touched() const noexcept;
  // How many are in use, after having looked who is dead. Costs as much as there are; for tests and for the curious.
  [[nodiscard]] std::uint32_t slots_in_use() noexcept;

  // Around a fork, in the thread that forks: the child becomes a user of all that this process uses.
  void before_fork() noexcept;
  void after_fork_in_parent() noexcept { processes_.keep_in_parent(); }
  void after_fork_in_child() noexcept { processes_.become_child(members.empty()); }
  // At the end of a process that will not destroy its objects.
  void leave_all() noexcept;

  [[nodiscard]] Slot& slot(std::uint32_t index) const noexcept { return slots_[index]; }
  [[nodiscard]] ProcessTable& processes() noexcept { return processes_; }
  // The lane that `process` listens to, if any.
  [[nodiscard]] const Lane* lane_of(std::uint32_t process) const noexcept;
  // This process's number, with a lane; none if it cannot be woken here and must look again and again.
  [[nodiscard]] std::optional<std::uint32_t> sleeper_number() noexcept;

  // Semaphores of this process that somebody sleeps for; and all of them.
  IntrusiveList<SharedSemaphore> waiting;
  class Member;
  IntrusiveList<Member> members;

  // This process heard its lane: wakes those in line whose semaphores have units.
  void rang() noexcept;
  // The same without having heard anything, after a while; sets the marks of this process again, which a forked child
  // has not yet.
  void look_again() noexcept;

 private:
  struct Header;
  SharedArena(SharedMapping memory, std::vector<Lane> lanes, bool made_here) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> own_number() noexcept;
  void choose_lane(std::uint32_t process) noexcept;
  void mark_user(std::uint32_t slot) noexcept;
  void clear_marks_of_the_dead() noexcept;
  void sweep() noexcept;

  SharedMapping memory_;
  std::vector<Lane> lanes_;
  Header* header_;
  Slot* slots_;
  ProcessTable processes_;
  Id id_;
  std::uint64_t made_in_;  // fork generation of the process that made the arena, never equal elsewhere
  // Of the slots that this process has a mark in: how many objects more than one stand for them.
  std::unordered_map<std::uint32_t, std::uint32_t> further_;
  // Allocation, in that process: slots from next_ on were never used; free_ are used no more.
  std::uint32_t next_ = 1;  // slot 0 is nobody's
  std::uint32_t sweep_at_ = 1024;
  std::vector<std::uint32_t> free_;
};

}  // namespace gevent
