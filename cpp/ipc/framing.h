// How multiprocessing's Connection puts messages on a stream of bytes.
//
// A message is its length and then its bytes. The length is a signed number of four bytes, most significant first; -1
// there means that the length is too large for it and follows as eight bytes. Both ends may be other programs, so this
// never changes.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gevent {

// What goes before a message of `size` bytes.
class FrameHeader {
 public:
  explicit FrameHeader(std::uint64_t size) noexcept;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), length_}; }

 private:
  std::array<std::byte, 12> bytes_;
  std::size_t length_;
};

// Takes a header apart, in whatever pieces it arrives.
class FrameHeaderReader {
 public:
  // Where the next bytes go, and how many at most: none once the header is complete.
  [[nodiscard]] std::span<std::byte> wanted() noexcept;
  void arrived(std::size_t count) noexcept { filled_ += count; }

  [[nodiscard]] bool begun() const noexcept { return filled_ > 0; }
  [[nodiscard]] bool complete() noexcept { return wanted().empty(); }
  // Nothing has arrived, or exactly one of the numbers it is made of.
  [[nodiscard]] bool between_parts() const noexcept;
  // Requires: complete(). False for a length that no message has.
  [[nodiscard]] bool valid() const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept;  // Requires: valid().

 private:
  [[nodiscard]] std::int32_t short_size() const noexcept;

  std::array<std::byte, 12> bytes_;
  std::size_t filled_ = 0;
};

}  // namespace gevent
