// How a child process has ended, found out without reaping it.
#pragma once

namespace gevent {

inline constexpr int kChildRuns = -1;
inline constexpr int kNoSuchChild = -2;  // somebody reaped it, or it never was a child of this process

// As waitpid() would give it; kChildRuns or kNoSuchChild. Never waits; whoever wants to can reap the child afterwards.
[[nodiscard]] int look_at_child(int pid) noexcept;

}  // namespace gevent
