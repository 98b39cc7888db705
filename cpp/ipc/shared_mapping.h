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
  // New memory, all zero. Pages cost nothing before they are touched, so `size` may be generous.
  static Result<SharedMapping> create(std::size_t size) noexcept;
  // The memory behind `fd`, which create() made in another process with the same `size`.
  static Result<SharedMapping> attach(OwnedFd fd, std::size_t size) noexcept;

  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&&) = delete;
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  SharedMapping(OwnedFd fd, std::byte* data, std::size_t size) noexcept
      : fd_(std::move(fd)), data_(data), size_(size) {}

  OwnedFd fd_;
  std::byte* data_;
  std::size_t size_;
};

}  // namespace gevent
