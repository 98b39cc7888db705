#include "ipc/word_sleep.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace gevent {
namespace {

timespec as_timespec(std::chrono::nanoseconds time) noexcept {
  constexpr std::int64_t kSecond = 1'000'000'000;
  timespec converted = {};
  converted.tv_sec = static_cast<time_t>(time.count() / kSecond);
  converted.tv_nsec = static_cast<long>(time.count() % kSecond);
  return converted;
}

}  // namespace

#ifdef __linux__

void sleep_while_zero(const std::atomic<std::uint32_t>& word, std::chrono::nanoseconds longest) noexcept {
  const timespec timeout = as_timespec(longest);
  ::syscall(SYS_futex, &word, FUTEX_WAIT, 0, &timeout, nullptr, 0);
}

bool wake_one_sleeper(const std::atomic<std::uint32_t>& word) noexcept {
  const int saved_errno = errno;
  const bool woken = ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0) > 0;
  errno = saved_errno;
  return woken;
}

#else

void sleep_while_zero(const std::atomic<std::uint32_t>& word, std::chrono::nanoseconds longest) noexcept {
  if (word.load() != 0) return;
  constexpr std::chrono::nanoseconds kBetweenLooks = std::chrono::milliseconds(5);
  const timespec pause = as_timespec(std::min(longest, kBetweenLooks));
  ::nanosleep(&pause, nullptr);
}

bool wake_one_sleeper(const std::atomic<std::uint32_t>&) noexcept { return false; }

#endif

}  // namespace gevent
