#include "ipc/framing.h"

#include <limits>

namespace gevent {
namespace {

constexpr std::size_t kShort = 4;
constexpr std::size_t kLong = 12;
constexpr std::uint64_t kShortMax = std::numeric_limits<std::int32_t>::max();

void put(std::uint64_t number, std::span<std::byte> into) noexcept {
  for (std::size_t i = into.size(); i-- > 0; number >>= 8) into[i] = static_cast<std::byte>(number & 0xff);
}

std::uint64_t get(std::span<const std::byte> from) noexcept {
  std::uint64_t number = 0;
  for (const std::byte each : from) number = (number << 8) | static_cast<std::uint64_t>(each);
  return number;
}

}  // namespace

FrameHeader::FrameHeader(std::uint64_t size) noexcept : length_(size > kShortMax ? kLong : kShort) {
  const std::span<std::byte> all(bytes_);
  if (length_ == kShort) {
    put(size, all.first(kShort));
  } else {
    put(0xffffffff, all.first(kShort));
    put(size, all.subspan(kShort));
  }
}

std::span<std::byte> FrameHeaderReader::wanted() noexcept {
  const std::size_t length = filled_ >= kShort && short_size() == -1 ? kLong : kShort;
  return std::span(bytes_).subspan(filled_, length - filled_);
}

bool FrameHeaderReader::between_parts() const noexcept { return filled_ == 0 || filled_ == kShort || filled_ == kLong; }

std::int32_t FrameHeaderReader::short_size() const noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(get(std::span(bytes_).first(kShort))));
}

bool FrameHeaderReader::valid() const noexcept {
  const std::int32_t number = short_size();
  if (number >= 0) return true;
  return number == -1 && size() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

std::uint64_t FrameHeaderReader::size() const noexcept {
  const std::int32_t number = short_size();
  return number >= 0 ? static_cast<std::uint64_t>(number) : get(std::span(bytes_).subspan(kShort));
}

}  // namespace gevent
