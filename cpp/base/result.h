// The answer of something that may fail because of the world: a value, or an Error.
#pragma once
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"

namespace gevent {

// What went wrong: an errno and the call that met it ("pidfd_open"). `what` is a string literal, so an Error never
// allocates.
class [[nodiscard]] Error {
 public:
  Error(int code, const char* what) noexcept : code_(code), what_(what) {}

  // The errno of this moment: make it before anything else can change errno.
  static Error from_errno(const char* what) noexcept { return Error(errno, what); }

  [[nodiscard]] int code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept { return what_; }
  [[nodiscard]] std::string message() const { return std::string(what_) + ": " + std::strerror(code_); }

 private:
  int code_;
  const char* what_;
};

// Look at ok() before value() or error(): asking for the one that is not there stops the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}               // NOLINT: implicit, so that `return value;` reads well
  Result(Error error) noexcept : error_(std::move(error)) {}  // NOLINT: likewise

  [[nodiscard]] bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() & noexcept {
    GEVENT_CHECK(ok());
    return *value_;
  }
  [[nodiscard]] const T& value() const& noexcept {
    GEVENT_CHECK(ok());
    return *value_;
  }
  [[nodiscard]] T&& value() && noexcept {
    GEVENT_CHECK(ok());
    return std::move(*value_);
  }
  [[nodiscard]] const Error& error() const noexcept {
    GEVENT_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<T> value_;
  std::optional<Error> error_;
};

// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() noexcept = default;
  Result(Error error) noexcept : error_(std::move(error)) {}  // NOLINT: implicit, so that `return error;` reads well

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const noexcept {
    GEVENT_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace gevent
