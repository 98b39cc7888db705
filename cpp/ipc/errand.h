// A message that its greenlet has left, and what it keeps until the message has ended.
#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/lane.h"
#include "ipc/message.h"
#include "ipc/shared_semaphore.h"

namespace gevent {

// A lock between processes that was left together with messages; given back when the last of these has ended.
// `keeper`, whatever keeps `semaphore` alive, is then on the list `spent`.
class HeldLock {
 public:
  HeldLock(SharedSemaphore& semaphore, std::uint32_t maximum, void* keeper, std::vector<void*>& spent) noexcept
      : semaphore_(semaphore), maximum_(maximum), keeper_(keeper), spent_(spent) {}
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;
  ~HeldLock();

  // For one that is to be taken before a message begins. Any thread.
  [[nodiscard]] bool try_acquire() noexcept { return taken_ = semaphore_.try_acquire(); }
  void not_taken() noexcept { taken_ = false; }

 private:
  SharedSemaphore& semaphore_;
  std::uint32_t maximum_;
  void* keeper_;
  std::vector<void*>& spent_;
  bool taken_ = true;
};

// Who left a message, and when: by this, his locks are known. Only compared.
struct Giver {
  const void* greenlet = nullptr;
  std::uint64_t left_at = 0;
};

// The rest of one message, to be sent.
struct Parcel {
  std::vector<std::byte> bytes;
  Giver giver;
  std::shared_ptr<HeldLock> lock;  // taken before the first byte, if any; then one of `held`
  std::vector<std::shared_ptr<HeldLock>> held;
  std::size_t written = 0;
};

// What is to be done with one direction of one descriptor: a message to be received, or parcels to be sent in order.
// Guarded by its Courier, except where it says so.
class Errand {
 public:
  enum class Direction : std::uint8_t { kIn, kOut };

  // The rest of `message` is to be received. If there is room for it already, that is `keeper`'s.
  Errand(IncomingMessage message, void* keeper, Giver giver) noexcept;
  // Parcels are to be sent to `fd`.
  explicit Errand(int fd) noexcept;
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // Does what can be done now. Requires: !ended.
  void advance() noexcept;
  // There is nothing more to do: gives back the locks. Then `bell` rings.
  void end() noexcept;
  // Whether all that is left waits for a lock.
  [[nodiscard]] bool waits_for_lock() const noexcept;
  // Whether a greenlet has left one of the parcels, rather than handed it over.
  [[nodiscard]] bool has_giver() const noexcept;
  void hold(const std::shared_ptr<HeldLock>& lock, const void* greenlet, std::uint64_t taken_at);

  const Direction direction;
  const int fd;
  bool ended = false;
  bool failed = false;                     // ended without its message; the reason is for whoever tries next
  bool closed = false;                     // the descriptor was closed meanwhile
  bool close_after = false;                // the descriptor is the errand's
  std::deque<Parcel> parcels;              // kOut
  std::optional<IncomingMessage> message;  // kIn
  void* keeper = nullptr;                  // of the message's room, or nullptr: `room`
  std::unique_ptr<char[]> room;
  Giver giver;  // of `message`
  std::vector<std::shared_ptr<HeldLock>> held;
  // Readable once it has ended; anybody may wait for it. No descriptor, when there was none to be had.
  std::optional<Lane> bell;

 private:
  void remember_file() noexcept;
  [[nodiscard]] bool same_file() const noexcept;
  void receive() noexcept;
  void send() noexcept;

  struct stat file_ = {};
};

}  // namespace gevent
