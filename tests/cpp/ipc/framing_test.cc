#include "ipc/framing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace gevent {
namespace {

std::vector<int> numbers(std::span<const std::byte> bytes) {
  std::vector<int> all;
  for (const std::byte each : bytes) all.push_back(static_cast<int>(each));
  return all;
}

FrameHeaderReader read_in_pieces(std::span<const std::byte> bytes, std::size_t piece_size) {
  FrameHeaderReader reader;
  while (!bytes.empty()) {
    const std::span<std::byte> wanted = reader.wanted();
    REQUIRE_FALSE(wanted.empty());
    const std::size_t count = std::min({wanted.size(), bytes.size(), piece_size});
    std::copy_n(bytes.begin(), count, wanted.begin());
    reader.arrived(count);
    bytes = bytes.subspan(count);
  }
  return reader;
}

}  // namespace

TEST_CASE("a header is the length in four bytes, or -1 and the length in eight") {
  CHECK(numbers(FrameHeader(0).bytes()) == std::vector{0, 0, 0, 0});
  CHECK(numbers(FrameHeader(0x01020304).bytes()) == std::vector{1, 2, 3, 4});
  CHECK(numbers(FrameHeader(0x7fffffff).bytes()) == std::vector{0x7f, 255, 255, 255});
  CHECK(numbers(FrameHeader(0x80000000).bytes()) == std::vector{255, 255, 255, 255, 0, 0, 0, 0, 0x80, 0, 0, 0});
}

TEST_CASE("a header is read in whatever pieces it arrives") {
  for (const std::uint64_t size : {0ull, 1ull, 65536ull, 0x7fffffffull, 0x80000000ull, 1ull << 62}) {
    for (const std::size_t piece_size : {1, 3, 12}) {
      const FrameHeader header(size);
      FrameHeaderReader reader = read_in_pieces(header.bytes(), piece_size);
      CHECK(reader.complete());
      CHECK(reader.valid());
      CHECK(reader.size() == size);
    }
  }
}

TEST_CASE("a length that no message has is told apart") {
  const std::array<std::byte, 4> minus_five{std::byte{255}, std::byte{255}, std::byte{255}, std::byte{251}};
  FrameHeaderReader reader = read_in_pieces(minus_five, 4);
  CHECK(reader.complete());
  CHECK_FALSE(reader.valid());
}

}  // namespace gevent
