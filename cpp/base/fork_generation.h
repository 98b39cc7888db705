// How many forks lie between this process and the one that loaded gevent.
#pragma once
#include <cstdint>

namespace gevent {

namespace detail {
extern std::uint64_t fork_generation;
}

// 0 in the first process; one more in every child that fork() makes, before fork() returns there. Whoever keeps
// something that does not survive a fork (a loop, a thread, an owner's mark) keeps the generation too, and compares.
// Children of vfork() and posix_spawn() are not counted: nothing of ours runs in them.
inline std::uint64_t fork_generation() noexcept { return detail::fork_generation; }

}  // namespace gevent
