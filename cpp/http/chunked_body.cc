#include "http/chunked_body.h"

#include <algorithm>
#include <cstring>

#include "http/characters.h"

namespace gevent::http {
namespace {

constexpr int kDigitsMax = 16;

unsigned hex_value(char digit) noexcept {
  return static_cast<unsigned>(digit <= '9' ? digit - '0' : lower(digit) - 'a' + 10);
}

}  // namespace

std::size_t ChunkedBody::skip_framing(const char* data, std::size_t size) noexcept {
  std::size_t taken = 0;
  while (taken < size && state_ == State::kFraming) {
    if (!step(data[taken])) break;
    ++taken;
  }
  return taken;
}

void ChunkedBody::took(std::uint64_t size) noexcept {
  left_ -= size;
  body_size_ += size;
  if (left_ == 0) {
    state_ = State::kFraming;
    at_ = Place::kDataCr;
  }
}

ChunkedBody::Decoded ChunkedBody::decode(const char* data, std::size_t size, char* body, std::size_t body_max,
                                         bool one_line) noexcept {
  Decoded done{0, 0};
  while (done.taken < size && done.given < body_max) {
    if (state_ == State::kFraming) {
      done.taken += skip_framing(data + done.taken, size - done.taken);
    }
    if (state_ != State::kData) {
      if (state_ == State::kFraming) continue;
      break;
    }
    std::size_t piece =
        static_cast<std::size_t>(std::min<std::uint64_t>({size - done.taken, body_max - done.given, left_}));
    const char* const from = data + done.taken;
    bool line_ended = false;
    if (one_line) {
      const void* const end = std::memchr(from, '\n', piece);
      line_ended = end != nullptr;
      if (line_ended) piece = static_cast<std::size_t>(static_cast<const char*>(end) - from) + 1;
    }
    std::memcpy(body + done.given, from, piece);
    took(piece);
    done.taken += piece;
    done.given += piece;
    if (line_ended) break;
  }
  return done;
}

// One byte of framing. False: refused, and the byte is not taken.
bool ChunkedBody::step(char byte) noexcept {
  switch (at_) {
    case Place::kSizeStart:
    case Place::kSize:
      return size_digit(byte);
    case Place::kSizeLf:
      if (byte != '\n') return bad("a line of a chunk that does not end in CR LF");
      return size_line_ended();
    case Place::kDataCr:
      return expect(byte, '\r', Place::kDataLf);
    case Place::kDataLf:
      digits_ = 0;
      size_ = 0;
      return expect(byte, '\n', Place::kSizeStart);
    case Place::kTrailerStart:
    case Place::kTrailerName:
    case Place::kTrailerValue:
      if (++trailers_ > limits_.trailers_max) return bad("too many trailers");
      return trailer(byte);
    case Place::kTrailerLf:
      return expect(byte, '\n', Place::kTrailerStart);
    case Place::kEndLf:
      if (!expect(byte, '\n', Place::kSizeStart)) return false;
      state_ = State::kComplete;
      return true;
    default:
      if (++extensions_ > limits_.extensions_max + body_size_) return bad("too many chunk extensions");
      return extension(byte);
  }
}

bool ChunkedBody::size_digit(char byte) noexcept {
  if (is(byte, kHexDigit)) {
    if (++digits_ > kDigitsMax) return bad("a chunk size that is too large");
    size_ = size_ * 16 + hex_value(byte);
    at_ = Place::kSize;
    return true;
  }
  if (at_ == Place::kSizeStart) return bad("a chunk size that is none");
  if (byte == '\r') {
    at_ = Place::kSizeLf;
  } else if (byte == ';') {
    at_ = Place::kExtensionStart;
  } else if (is(byte, kBlank)) {
    at_ = Place::kBeforeSemicolon;
  } else {
    return bad("a chunk size that is none");
  }
  return true;
}

bool ChunkedBody::extension(char byte) noexcept {
  const bool blank = is(byte, kBlank);
  switch (at_) {
    case Place::kBeforeSemicolon:
      if (blank) return true;
      return expect(byte, ';', Place::kExtensionStart);
    case Place::kExtensionStart:
      if (blank) return true;
      if (!is(byte, kToken)) return bad("a chunk extension that is none");
      at_ = Place::kExtensionName;
      return true;
    case Place::kExtensionName:
      if (is(byte, kToken)) return true;
      if (byte == '=') {
        at_ = Place::kValueStart;
        return true;
      }
      return after_extension_part(byte);
    case Place::kAfterName:
      if (byte == '=') {
        at_ = Place::kValueStart;
        return true;
      }
      return after_extension_part(byte);
    case Place::kValueStart:
      if (blank) return true;
      if (byte == '"') {
        at_ = Place::kValueQuoted;
        return true;
      }
      if (!is(byte, kToken)) return bad("a chunk extension that is none");
      at_ = Place::kValueToken;
      return true;
    case Place::kValueToken:
      if (is(byte, kToken)) return true;
      if (blank) {
        at_ = Place::kBeforeSemicolon;
        return true;
      }
      return after_extension_part(byte);
    case Place::kValueQuoted:
      if (byte == '"') {
        at_ = Place::kValueToken;  // which may be over at once
        return true;
      }
      if (byte == '\\') {
        at_ = Place::kValueEscaped;
        return true;
      }
      return is(byte, kQuotedText) || bad("a chunk extension that is none");
    case Place::kValueEscaped:
      at_ = Place::kValueQuoted;
      return is(byte, kFieldValue) || bad("a chunk extension that is none");
    default:
      return bad("a chunk extension that is none");
  }
}

bool ChunkedBody::after_extension_part(char byte) noexcept {
  if (byte == '\r') {
    at_ = Place::kSizeLf;
  } else if (byte == ';') {
    at_ = Place::kExtensionStart;
  } else if (is(byte, kBlank)) {
    at_ = Place::kAfterName;
  } else {
    return bad("a chunk extension that is none");
  }
  return true;
}

bool ChunkedBody::trailer(char byte) noexcept {
  switch (at_) {
    case Place::kTrailerStart:
      if (byte == '\r') {
        at_ = Place::kEndLf;
        return true;
      }
      at_ = Place::kTrailerName;
      return is(byte, kToken) || bad("a trailer that is no field");
    case Place::kTrailerName:
      if (is(byte, kToken)) return true;
      return expect(byte, ':', Place::kTrailerValue) || bad("a trailer that is no field");
    default:
      if (byte == '\r') {
        at_ = Place::kTrailerLf;
        return true;
      }
      return is(byte, kFieldValue) || bad("a trailer that is no field");
  }
}

bool ChunkedBody::expect(char byte, char wanted, Place next) noexcept {
  if (byte != wanted) return bad("a line of a chunk that does not end in CR LF");
  at_ = next;
  return true;
}

bool ChunkedBody::size_line_ended() noexcept {
  if (size_ > INT64_MAX) return bad("a chunk size that is too large");
  if (size_ > limits_.body_max || body_size_ > limits_.body_max - size_)
    return fail(kContentTooLarge, "the body is too large");
  chunk_size_ = left_ = size_;
  if (size_ == 0) {
    at_ = Place::kTrailerStart;
  } else {
    state_ = State::kData;
  }
  return true;
}

bool ChunkedBody::fail(int status, const char* reason) noexcept {
  refusal_ = {status, reason};
  state_ = State::kRefused;
  return false;
}

}  // namespace gevent::http
