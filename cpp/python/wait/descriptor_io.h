// Reading and writing a descriptor: try at once, and park only when the kernel says that there is nothing to do yet.
#pragma once
#include <Python.h>

#include <cstddef>

#include "base/descriptor_mode.h"

namespace gevent {

// The calls of a raw file on a descriptor, which belongs to somebody else. Any number of greenlets may wait. All return
// -1 or nullptr with an exception on failure; after end() that is ValueError.
class DescriptorIo {
 public:
  DescriptorIo() noexcept = default;
  DescriptorIo(const DescriptorIo&) = delete;
  DescriptorIo& operator=(const DescriptorIo&) = delete;

  // Called once. `fd` is made non-blocking unless it `stays_blocking`, because others rely on its mode: then the system
  // is told in each call not to wait.
  int open(int fd, bool stays_blocking) noexcept;

  // Nothing is done with the descriptor from now on, and those who wait get OSError (EBADF).
  void end() noexcept;
  [[nodiscard]] bool ended() const noexcept { return fd_ < 0; }
  // The descriptor.
  int fd() const noexcept;

  int is_terminal() const noexcept;
  int has_position() const noexcept;
  long long seek(long long offset, int whence) noexcept;

  // Waits until there is something; how much that was, 0 at the end of the file.
  Py_ssize_t read(char* data, std::size_t size) noexcept;
  // The same as new bytes.
  PyObject* read_some(Py_ssize_t size) noexcept;
  // New bytes up to the end of the file.
  PyObject* read_all() noexcept;
  // Waits until some of it fits; how much that was.
  Py_ssize_t write(const char* data, std::size_t size) noexcept;

 private:
  // Others need not wait for it.
  [[nodiscard]] bool on_disk() const noexcept { return kind_ == kDisk; }
  // Calls `attempt(fd)`, until it is done: it returns less than 0 with errno.
  template <typename Attempt>
  Py_ssize_t repeat(int event, Attempt attempt) noexcept;

  int fd_ = -1;
  int kind_ = -1;
  bool call_by_call_ = false;  // it may be in blocking mode
};

// Whether a call on `fd` would stop other greenlets, which could run meanwhile: it is a pipe, a socket or a terminal in
// blocking mode.
[[nodiscard]] bool would_stop_others(int fd) noexcept;
// For such a descriptor, what os.read() and os.write() do: up to `size` bytes, or none at the end; all of `data`.
// Others run meanwhile.
PyObject* read_beside_others(int fd, Py_ssize_t size) noexcept;
Py_ssize_t write_beside_others(int fd, const char* data, Py_ssize_t size) noexcept;

}  // namespace gevent
