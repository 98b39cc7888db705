// Sleeping at a word of shared memory: a thread, until another process has changed it.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

namespace gevent {

// Stops the calling thread while `word` is 0, at most for `longest`, until wake_one_sleeper() or a signal; it may also
// return for no reason. Needs no descriptor. A futex; elsewhere than on Linux a short sleep, to look again.
void sleep_while_zero(const std::atomic<std::uint32_t>& word, std::chrono::nanoseconds longest) noexcept;

// Wakes one of those who sleep at `word`, in whatever process; false if nobody does.
bool wake_one_sleeper(const std::atomic<std::uint32_t>& word) noexcept;

}  // namespace gevent
