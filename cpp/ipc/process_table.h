// Who has a part in a piece of shared memory: a table of processes, in that memory, which tells the dead from the
// living.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/fork_generation.h"
#include "base/owned_fd.h"
#include "base/result.h"

namespace gevent {

// Each process has an entry, and holds the lock of one byte of the memory's file as long as it lives: an
// open-file-description lock, which ends with the last descriptor, however the process ends. The file is opened again
// for that (/proc/self/fd), since forked processes share a description, and so its locks. One descriptor per process.
//
// A forked child's lock is taken before the fork, by the parent, through a descriptor that only the child keeps: there
// is no moment at which the child lives and its lock is free.
//
// A process that has no descriptor to spare, or a system without such locks, is told by its id alone. A process that
// closes all its descriptors (a daemon) loses its lock, so a free lock is only believed when the process does not map
// the memory any more.
class ProcessTable {
 public:
  static constexpr std::uint32_t kMax = 384;

  struct alignas(64) Entry {
    std::atomic<std::uint32_t> owner;  // 0: free; the process's id, with kLocked if it has a lock
    std::atomic<std::uint32_t> lane;   // 0: none yet; one more than the number of the lane it listens to
    // See wake_protocol.h. They grow for ever, from one owner to the next.
    std::atomic<std::uint64_t> heard;
    std::atomic<std::uint64_t> rung;
  };

  // `entries` lie in the memory behind `fd`; both outlive this. Only the process that made the memory is its maker.
  ProcessTable(std::span<Entry> entries, int fd, bool maker) noexcept;

  // This process's entry, once it has asked and there was one.
  [[nodiscard]] std::optional<std::uint32_t> own() const noexcept { return asked() ? index_ : std::nullopt; }
  [[nodiscard]] bool asked() const noexcept { return generation_ == fork_generation(); }
  // Claims an entry for this process; none: the table is full. Requires: !own().
  std::optional<std::uint32_t> ask() noexcept;

  // Around a fork, in the thread that forks. The first returns the entry that the child will have, if there is one.
  [[nodiscard]] std::optional<std::uint32_t> reserve_for_child() noexcept;
  void keep_in_parent() noexcept;
  void become_child(bool may_ask) noexcept;  // `may_ask`: it can still ask if no entry was reserved for it

  // Gives the own entry back. Requires: nothing refers to it any more.
  void leave() noexcept;

  // Whether its process is known to be dead by its lock: one system call. False where that cannot be told.
  [[nodiscard]] bool gone(std::uint32_t index) const noexcept;

  // Frees the entries of the dead, after `clear` took away what refers to them (a mark for each). Nothing happens while
  // another process is at it. Takes as long as `clear`, and a look into /proc for each of the dead.
  using Marks = std::array<std::uint64_t, kMax / 64>;
  void reap(const std::function<void(const Marks&)>& clear) noexcept;

  [[nodiscard]] Entry& operator[](std::uint32_t index) const noexcept { return entries_[index]; }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }

 private:
  struct Claim {
    std::uint32_t index;
    OwnedFd lock;
  };
  struct ForkedClaim {
    unsigned long thread;
    Claim claim;
  };
  std::optional<Claim> claim(pid_t owner) noexcept;
  [[nodiscard]] OwnedFd open_again() const noexcept;
  [[nodiscard]] bool is_ours() const noexcept;
  [[nodiscard]] bool dead(std::uint32_t owner, std::uint32_t index) const noexcept;
  [[nodiscard]] bool maps_memory(pid_t pid) const noexcept;

  std::span<Entry> entries_;
  int fd_;
  bool maker_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  // The process that the three below belong to, by its fork generation.
  std::uint64_t generation_ = ~std::uint64_t{0};
  std::optional<std::uint32_t> index_;
  OwnedFd lock_;
  std::vector<ForkedClaim> reserved_;
};

}  // namespace gevent
