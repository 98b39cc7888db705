#include "http/response_framing.h"

#include "http/characters.h"

namespace gevent::http {

bool says_close(std::string_view connection) noexcept {
  bool found = false;
  for_each_element(connection, [&](std::string_view option) { found = found || same_word(option, "close"); });
  return found;
}

void ResponseFraming::note(std::string_view name, std::string_view value) noexcept {
  if (same_word(name, "transfer-encoding")) {
    has_coding_ = true;
  } else if (same_word(name, "connection")) {
    has_connection_ = true;
    says_close_ = says_close_ || says_close(value);
  }
}

void ResponseFraming::decide(const Facts& facts) noexcept {
  constexpr int kSwitching = 101, kNoContent = 204, kNotModified = 304;
  const bool bodiless = facts.code == kNoContent || facts.code == kNotModified;
  const bool unframed = facts.code < 200 || facts.code == kNoContent;  // neither a length nor a coding (RFC 9110 8.6)
  const bool length_known = facts.length_is_said || facts.length_is_known || bodiless;
  // With a coding of the application's the end of the connection is the end of the body: only the application knows
  // whether a client can tell where that is.
  close_ = facts.close || has_coding_ || (facts.of_1_0 && !length_known);
  if (facts.code != kSwitching) {
    if (!close_) {
      if (facts.of_1_0 && !has_connection_) connection_ = "keep-alive";
    } else if (!says_close_) {
      drops_connection_ = has_connection_;
      connection_ = "close";
    }
  }
  drops_length_ = unframed || has_coding_;  // RFC 9112 6.2
  drops_coding_ = unframed;
  if (unframed || bodiless) {
    body_ = Body::kNone;
  } else if (has_coding_) {
    body_ = Body::kUntilClose;
  } else if (length_known) {
    body_ = facts.length_is_said ? Body::kAsSaid : Body::kMeasured;
  } else {
    body_ = facts.of_1_1 ? Body::kChunked : Body::kUntilClose;
  }
}

bool ResponseFraming::drops(std::string_view name) const noexcept {
  return (drops_connection_ && same_word(name, "connection")) || (drops_length_ && same_word(name, "content-length")) ||
         (drops_coding_ && same_word(name, "transfer-encoding"));
}

}  // namespace gevent::http
