#include "ipc/message.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ipc/transfer.h"

namespace gevent {
namespace {

bool would_wait() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

Progress IncomingMessage::wait_for_beginning() noexcept {
  const std::span<std::byte> wanted = header_.wanted();
  const ssize_t count = read_waiting(fd_, wanted.data(), wanted.size());
  if (count < 0 && errno == EINTR) return Progress::kWait;
  if (count <= 0) return stopped(count);
  header_.arrived(static_cast<std::size_t>(count));
  return Progress::kDone;
}

Progress IncomingMessage::read_header(std::int64_t size_max) noexcept {
  while (!header_.complete()) {
    const std::span<std::byte> wanted = header_.wanted();
    const ssize_t count = read_now(fd_, wanted.data(), wanted.size());
    if (count <= 0) return stopped(count);
    header_.arrived(static_cast<std::size_t>(count));
  }
  too_long_ = !header_.valid() || (size_max >= 0 && header_.size() > static_cast<std::uint64_t>(size_max));
  return Progress::kDone;
}

Progress IncomingMessage::read_payload() noexcept {
  while (filled_ < size_) {
    const ssize_t count = read_now(fd_, room_ + filled_, size_ - filled_);
    if (count <= 0) return stopped(count);
    filled_ += static_cast<std::size_t>(count);
  }
  return Progress::kDone;
}

Progress IncomingMessage::stopped(long count) noexcept {
  if (count < 0) {
    if (would_wait()) return Progress::kWait;
    error_ = errno;
    return fail(Failure::kSystem);
  }
  // The end is an EOFError where the standard library would begin another read.
  const bool between = room_ != nullptr ? filled_ == 0 : header_.between_parts();
  return fail(between ? Failure::kEnd : Failure::kEndAmid);
}

OutgoingMessage::OutgoingMessage(int fd, std::span<const std::byte> header, const void* data, std::size_t size) noexcept
    : fd_(fd), header_length_(header.size()), data_(static_cast<const std::byte*>(data)), size_(size) {
  std::copy(header.begin(), header.end(), header_);
}

Progress OutgoingMessage::advance(std::size_t limit) noexcept {
  const std::size_t total = header_length_ + size_;
  const std::size_t stop = std::min(total, limit > total - written_ ? total : written_ + limit);
  while (written_ < stop) {
    iovec pieces[2];
    int count = 0;
    if (written_ < header_length_) pieces[count++] = {header_ + written_, header_length_ - written_};
    const std::size_t from = written_ > header_length_ ? written_ - header_length_ : 0;
    if (from < size_) pieces[count++] = {const_cast<std::byte*>(data_) + from, size_ - from};
    const ssize_t moved = write_now(fd_, pieces, count);
    if (moved < 0) return would_wait() ? Progress::kWait : Progress::kFailed;
    written_ += static_cast<std::size_t>(moved);
  }
  return written_ < total ? Progress::kWait : Progress::kDone;
}

std::vector<std::byte> OutgoingMessage::rest() const {
  std::vector<std::byte> left;
  const std::size_t total = header_length_ + size_;
  left.reserve(total - written_);
  if (written_ < header_length_) left.insert(left.end(), header_ + written_, header_ + header_length_);
  const std::size_t from = written_ > header_length_ ? written_ - header_length_ : 0;
  if (from < size_) left.insert(left.end(), data_ + from, data_ + size_);
  return left;
}

}  // namespace gevent
