// "We were wrong": a broken promise inside gevent stops the process, with the place and the promise.
#pragma once

namespace gevent {

// Writes one line to standard error and aborts. Allocates nothing, so that it also works when memory is the problem.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace gevent

// Always on. For what the caller or the world may get wrong there are Python exceptions and Result.
#define GEVENT_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::gevent::check_failed(#condition, __FILE__, __LINE__))
