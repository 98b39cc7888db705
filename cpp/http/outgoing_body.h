// The body of a response on its way out, piece by piece: how much of each is sent, and what stands around it.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gevent::http {

class OutgoingBody {
 public:
  OutgoingBody() noexcept = default;  // of no bytes
  // In chunks, whose end is said, or of so many bytes.
  void begin_chunked() noexcept { *this = OutgoingBody(true, 0); }
  void begin_of_length(std::uint64_t length) noexcept { *this = OutgoingBody(false, length); }

  [[nodiscard]] bool chunked() const noexcept { return chunked_; }
  // Of the length that was promised. While there is some, a client takes whatever comes for it, the next response too.
  [[nodiscard]] std::uint64_t left() const noexcept { return left_; }

  // How many of the next `size` bytes are to be sent. What is beyond the promised length is not (PEP 3333): a client
  // would take it for the next response.
  [[nodiscard]] std::size_t admit(std::size_t size) noexcept {
    if (chunked_) return size;
    const auto admitted = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
    left_ -= admitted;
    return admitted;
  }

  // How long a piece is with what stands around it. Requires: size > 0 if it is chunked, since an empty chunk is the
  // end.
  [[nodiscard]] std::size_t framed_size(std::size_t size) const noexcept {
    return chunked_ ? hex_digits(size) + 2 + size + 2 : size;
  }
  // Writes it, and returns where that ends.
  char* put(char* place, std::string_view piece) const noexcept {
    if (!chunked_) return put_bytes(place, piece);
    const std::size_t digits = hex_digits(piece.size());
    for (std::size_t i = digits, rest = piece.size(); i-- > 0; rest >>= 4) place[i] = "0123456789abcdef"[rest & 15];
    return put_bytes(put_bytes(put_bytes(place + digits, kLineEnd), piece), kLineEnd);
  }
  // The same for what follows the last piece.
  [[nodiscard]] std::size_t end_size() const noexcept { return chunked_ ? kLastChunk.size() : 0; }
  char* put_end(char* place) const noexcept { return chunked_ ? put_bytes(place, kLastChunk) : place; }

 private:
  static constexpr std::string_view kLineEnd = "\r\n";
  static constexpr std::string_view kLastChunk = "0\r\n\r\n";

  OutgoingBody(bool chunked, std::uint64_t left) noexcept : chunked_(chunked), left_(left) {}

  static std::size_t hex_digits(std::size_t number) noexcept {
    std::size_t digits = 1;
    while (number >>= 4) ++digits;
    return digits;
  }
  static char* put_bytes(char* place, std::string_view bytes) noexcept {
    return place + bytes.copy(place, bytes.size());
  }

  bool chunked_ = false;
  std::uint64_t left_ = 0;
};

}  // namespace gevent::http
