// Memory without a name that several processes see: it is gone when the last of them is, however that ended.
#pragma once
#include <cstddef>

#include "base/owned_fd.h"
#include "base/result.h"

namespace gevent {

// Holds the descriptor too, because that is how the memory is handed to a process that is not forked from this one.
// A forked child has the mapping already.
class SharedMapping {
 public:
  // New memory, all zero, of `size` bytes, or as many of them as the process's limits allow; at least `smallest`. Pages
  // cost nothing before they are touched, so `size` may be generous.
  //
  // A memfd; where the system refuses that, POSIX shared memory or a temporary file, whose names are gone at once.
  static Result<SharedMapping> create(std::size_t size, std::size_t smallest) noexcept;
  // The memory behind `fd`, which create() made in another process. Requires: `smallest` bytes at least.
  static Result<SharedMapping> attach(OwnedFd fd, std::size_t smallest) noexcept;

  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&&) = delete;
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  // Makes sure that the first `bytes` can be touched: on a file system that is full, that would end the process
  // (SIGBUS). Only who made the memory needs to ask, and before anybody touches them.
  Result<void> back(std::size_t bytes) noexcept;

 private:
  SharedMapping(OwnedFd fd, std::byte* data, std::size_t size) noexcept
      : fd_(std::move(fd)), data_(data), size_(size) {}
  static Result<std::byte*> map(int fd, std::size_t size) noexcept;

  OwnedFd fd_;
  std::byte* data_;
  std::size_t size_;
  std::size_t backed_ = 0;
  bool on_file_system_ = false;
};

}  // namespace gevent
