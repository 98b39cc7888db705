// Reading and writing that never waits, without O_NONBLOCK.
//
// O_NONBLOCK belongs to the open file description, which other processes may share: set here, it would make the reads
// of a process that never heard of gevent fail with EAGAIN. So not waiting is asked for in each call: RWF_NOWAIT, where
// the kernel has it for the kind of file; MSG_DONTWAIT for sockets; for the rest, looking first and then moving no more
// than surely fits. (The last is a guess when several processes use one end of a pipe at once without a lock. Such
// readers lose messages anyway.)
#pragma once
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace gevent {

// As read(2) and writev(2), but -1 with EAGAIN where those would wait, and never EINTR. A pipe or socket that nobody
// reads any more gives EPIPE.
ssize_t read_now(int fd, void* data, std::size_t size) noexcept;
ssize_t write_now(int fd, const iovec* pieces, int count) noexcept;

// As read(2), EINTR included.
ssize_t read_waiting(int fd, void* data, std::size_t size) noexcept;

// `fd` is about to be closed, and its number to stand for something else, perhaps.
void forget_kind_of(int fd) noexcept;

// Which way not to wait: all that the system has, or only the portable ones. For tests; the first is the default.
void allow_nowait_calls(bool allowed) noexcept;

}  // namespace gevent
