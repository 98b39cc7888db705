#include "base/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace gevent {

void check_failed(const char* condition, const char* file, int line) noexcept {
  char text[512];
  const int length = std::snprintf(text, sizeof text, "gevent: broken promise: %s (%s:%d)\n", condition, file, line);
  if (length > 0) {
    const auto size = static_cast<unsigned>(length) < sizeof text ? static_cast<unsigned>(length) : sizeof text - 1;
    // The process ends on the next line, whether or not anybody can read this one.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, size);
  }
  std::abort();
}

}  // namespace gevent
