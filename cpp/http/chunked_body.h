// A body in chunks (RFC 9112 7.1), taken apart as it arrives.
//
// As strict as the head's reader, and for the same reason: line ends are CR LF, a size is hexadecimal digits and
// nothing else, extensions are what the grammar says, and trailer fields are fields. What is beyond the limits is
// refused too: a chunk of one byte can carry an extension of any length, so extensions count in sum.
#pragma once
#include <cstddef>
#include <cstdint>

#include "http/refusal.h"

namespace gevent::http {

struct ChunkLimits {
  std::size_t extensions_max = 8192;    // of all extensions together, beyond one byte for each byte of the body
  std::size_t trailers_max = 8192;      // of all trailer lines together
  std::uint64_t body_max = UINT64_MAX;  // beyond: 413
};

class ChunkedBody {
 public:
  enum class State : std::uint8_t {
    kFraming,   // what comes next is no part of the body
    kData,      // left() bytes of the body come next
    kComplete,  // the body is over, and so are the trailers
    kRefused,
  };

  explicit ChunkedBody(const ChunkLimits& limits = {}) noexcept : limits_(limits) {}

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] std::uint64_t left() const noexcept { return left_; }  // of the chunk; 0 unless kData
  [[nodiscard]] std::uint64_t chunk_size() const noexcept { return chunk_size_; }
  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }  // Requires: kRefused.

  // Takes bytes up to the next that is part of the body, or the end, and returns how many that were.
  // Requires: kFraming.
  std::size_t skip_framing(const char* data, std::size_t size) noexcept;

  // `size` bytes of the body were read elsewhere. Requires: size <= left().
  void took(std::uint64_t size) noexcept;

  // Copies body from `data` to `body` until there is no more of either, or, with `one_line`, behind a line feed.
  struct Decoded {
    std::size_t taken;  // of `data`
    std::size_t given;  // to `body`
  };
  Decoded decode(const char* data, std::size_t size, char* body, std::size_t body_max, bool one_line) noexcept;

 private:
  enum class Place : std::uint8_t {
    kSizeStart,
    kSize,
    kBeforeSemicolon,
    kExtensionStart,
    kExtensionName,
    kAfterName,
    kValueStart,
    kValueToken,
    kValueQuoted,
    kValueEscaped,
    kSizeLf,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
  };

  bool step(char byte) noexcept;
  bool size_digit(char byte) noexcept;
  bool extension(char byte) noexcept;
  bool after_extension_part(char byte) noexcept;
  bool trailer(char byte) noexcept;
  bool expect(char byte, char wanted, Place next) noexcept;
  bool size_line_ended() noexcept;
  bool fail(int status, const char* reason) noexcept;
  bool bad(const char* reason) noexcept { return fail(kBadRequest, reason); }

  ChunkLimits limits_;
  State state_ = State::kFraming;
  Place at_ = Place::kSizeStart;
  int digits_ = 0;
  std::uint64_t size_ = 0;  // of the chunk whose size is being read
  std::uint64_t chunk_size_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t body_size_ = 0;
  std::uint64_t extensions_ = 0;
  std::uint64_t trailers_ = 0;
  Refusal refusal_;
};

}  // namespace gevent::http
