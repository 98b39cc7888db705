// Finishes the messages that were begun here, whatever becomes of those who began them.
//
// A message on a stream between processes is everybody's: who stops halfway leaves the others with what nobody sent. So
//
//   1. Of a message, either no byte has been moved, or all of them will be, as long as this process lives, its
//      descriptor is open and the other end is there. A greenlet that is interrupted after the first byte leaves the
//      rest as an *errand*, and goes; its exception does not wait for anybody.
//   2. Locks between processes that the greenlet held when it left are held until the errand ends: whoever has such a
//      lock finds the stream between two messages. They are recognised when he gives them back, for instance in a
//      `finally`: taken by him, before he left. (Locks proper: semaphores of more than one unit count, they guard
//      nothing.)
//   3. A message received by errand is the next that this process receives from there: it lies at the front, and the
//      descriptor counts as readable. Nothing else is received from that descriptor before it.
//   4. Nothing else is sent to a descriptor before the errand for it has ended.
//   5. An errand ends with its message; or, having failed, with the end of the stream or an error, which whoever comes
//      next then meets himself; or when its descriptor is closed. In each case the locks are given back.
//   6. Errands are one process's. A child that was forked amid one has nothing of it: neither message nor lock.
//   7. A process that exits in an orderly way waits for what it has to send; what it was receiving under a lock, it
//      receives for as long as bytes keep coming. One that is killed, or calls os._exit(), leaves the stream as it is,
//      and the locks taken, as everywhere.
//
// The work is done by a thread that knows no Python: a process that computes, or whose loop has ended, holds up nobody.
// It begins with the first errand and ends soon after the last. If no thread can be had, step() does the work.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/owned_fd.h"
#include "ipc/errand.h"

namespace gevent {

class Courier {
 public:
  using Direction = Errand::Direction;

  // The one of this process. Never destroyed, for its thread may outlive everything.
  static Courier& get() noexcept;

  // Whether there is any errand, ended ones whose message nobody has taken included. All that most callers pay.
  [[nodiscard]] static bool busy() noexcept { return count_.load(std::memory_order_relaxed) != 0; }

  // What is under way for `fd`: not ended, or received and not yet taken. nullptr: nothing.
  std::shared_ptr<Errand> find(int fd, Direction direction);
  [[nodiscard]] bool has_ended(const Errand& errand);
  // Takes a message that has arrived off the list. False: somebody was faster.
  bool take(const std::shared_ptr<Errand>& errand);

  // Leaves a message here.
  void receive(std::shared_ptr<Errand> errand);
  void send(int fd, Parcel parcel);
  // `fd`, which is being sent to, is closed after that. False: nothing is being sent there.
  bool close_when_sent(int fd);
  // `fd` is about to be closed: its errands end now.
  void forget(int fd);

  // `greenlet` gives back a lock that it took at `taken_at`. True: its errands keep it for now, and `keeper` too.
  bool defer_release(SharedSemaphore& semaphore, std::uint32_t maximum, void* keeper, const void* greenlet,
                     std::uint64_t taken_at);
  // A lock that a parcel is to take, or has taken.
  std::shared_ptr<HeldLock> lock_for_parcel(SharedSemaphore& semaphore, std::uint32_t maximum, void* keeper,
                                            bool taken);
  // Keepers of locks and of room that are not needed any more; now the caller's.
  std::vector<void*> take_spent();

  // Errands that have not ended and that an exit should wait for: not those of queues, which have their own ways.
  std::vector<std::shared_ptr<Errand>> unfinished();
  // Bytes received so far, to see whether it moves.
  std::size_t received(const Errand& errand);
  // Does what can be done at once. Only needed where working() is false.
  void step();
  [[nodiscard]] bool working();

 private:
  Courier() noexcept;
  void begin_work_locked();
  void work() noexcept;
  void step_locked() noexcept;
  void settle_locked() noexcept;
  void nudge() noexcept;
  static void before_fork() noexcept;
  static void after_fork_in_parent() noexcept;
  static void after_fork_in_child() noexcept;

  static inline std::atomic<int> count_{0};
  std::mutex mutex_;
  std::vector<std::shared_ptr<Errand>> errands_;
  std::vector<void*> spent_;
  bool working_ = false;
  OwnedFd nudged_, nudge_;  // a pipe: there is something new to look at
};

}  // namespace gevent
