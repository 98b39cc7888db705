// One message on its way through a descriptor, in whatever pieces it moves. Knows no Python, and waits nowhere but in
// wait_for_beginning().
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ipc/framing.h"

namespace gevent {

enum class Progress { kDone, kWait, kFailed };

// What has arrived of a message. Its bytes are in room of the caller's, who may add room when the header tells how
// much.
class IncomingMessage {
 public:
  explicit IncomingMessage(int fd) noexcept : fd_(fd) {}

  enum class Failure { kNone, kSystem, kEnd, kEndAmid, kNoRoom };

  // Reads what is there. kDone: all of it has arrived, or the header names a length that no message has or that is more
  // than `size_max` (negative: no limit), and too_long() is true. kFailed: see failure().
  //
  // make_room(size) is asked once and returns where `size` bytes go, or nullptr.
  template <typename MakeRoom>
  Progress advance(std::int64_t size_max, MakeRoom make_room) noexcept {
    if (room_ == nullptr) {
      if (const Progress progress = read_header(size_max); progress != Progress::kDone || too_long_) return progress;
      room_ = static_cast<char*>(make_room(header_.size()));
      if (room_ == nullptr) return fail(Failure::kNoRoom);
      size_ = static_cast<std::size_t>(header_.size());
    }
    return read_payload();
  }
  // Waits for the beginning of the header, with the whole thread, and takes what comes. kDone: some of it. kWait: none,
  // since a signal came, or the descriptor does not wait. Requires: !begun().
  Progress wait_for_beginning() noexcept;
  // There is no header: exactly `size` bytes go to `room`. Requires: !begun().
  void expect(void* room, std::size_t size) noexcept { room_ = static_cast<char*>(room), size_ = size; }

  // Whether a byte of it has been taken from the stream.
  [[nodiscard]] bool begun() const noexcept { return header_.begun() || filled_ > 0; }
  [[nodiscard]] bool too_long() const noexcept { return too_long_; }
  [[nodiscard]] bool has_room() const noexcept { return room_ != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }  // Requires: has_room().
  // How many bytes have arrived, for who wants to know whether it moves.
  [[nodiscard]] std::size_t filled() const noexcept { return filled_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] Failure failure() const noexcept { return failure_; }
  [[nodiscard]] int error() const noexcept { return error_; }  // errno of kSystem

 private:
  Progress read_header(std::int64_t size_max) noexcept;
  Progress read_payload() noexcept;
  Progress stopped(long count) noexcept;
  Progress fail(Failure failure) noexcept {
    failure_ = failure;
    return Progress::kFailed;
  }

  int fd_;
  FrameHeaderReader header_;
  char* room_ = nullptr;
  std::size_t size_ = 0;
  std::size_t filled_ = 0;
  bool too_long_ = false;
  Failure failure_ = Failure::kNone;
  int error_ = 0;
};

// What is still to be written of a message: a header, or none, and bytes that stay the caller's.
class OutgoingMessage {
 public:
  OutgoingMessage(int fd, std::span<const std::byte> header, const void* data, std::size_t size) noexcept;

  // Writes what fits, at most `limit` bytes or a little more. kFailed: errno says why.
  Progress advance(std::size_t limit = SIZE_MAX) noexcept;

  [[nodiscard]] bool begun() const noexcept { return written_ > 0; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::size_t written() const noexcept { return written_; }
  // A copy of all that is not written yet.
  [[nodiscard]] std::vector<std::byte> rest() const;

 private:
  int fd_;
  std::byte header_[12];
  std::size_t header_length_;
  const std::byte* data_;
  std::size_t size_;
  std::size_t written_ = 0;
};

}  // namespace gevent
