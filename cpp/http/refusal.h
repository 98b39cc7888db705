// Why a message is refused: the status to answer with, and a reason for the log.
#pragma once

namespace gevent::http {

// status 0: nothing is wrong. `reason` is static text with nothing of the client's in it.
struct Refusal {
  int status = 0;
  const char* reason = "";

  explicit operator bool() const noexcept { return status != 0; }
};

inline constexpr int kBadRequest = 400;
inline constexpr int kRequestTimeout = 408;
inline constexpr int kContentTooLarge = 413;
inline constexpr int kUriTooLong = 414;
inline constexpr int kFieldsTooLarge = 431;

}  // namespace gevent::http
