#include "python/wait/descriptor_io.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ipc/transfer.h"
#include "python/hub/hub_state.h"
#include "python/object/os_error.h"
#include "python/wait/descriptor_wait.h"

namespace gevent {
namespace {

constexpr Py_ssize_t kFirstPiece = 8 * 1024;
constexpr Py_ssize_t kPieceMax = 256 * 1024;

Py_ssize_t write_piece(int fd, const char* data, std::size_t size) noexcept {
  const iovec piece{const_cast<char*>(data), size};
  return write_now(fd, &piece, 1);
}

// `call` may take its time: it is made without the GIL.
template <typename Call>
Py_ssize_t without_gil(Call call) noexcept {
  Py_ssize_t count;
  Py_BEGIN_ALLOW_THREADS;
  count = call();
  Py_END_ALLOW_THREADS;
  return count;
}

// Gives `bytes`, a reference, the size that it has turned out to have. nullptr + exception if there is no memory.
PyObject* cut(PyObject* bytes, Py_ssize_t size) noexcept {
  if (PyBytes_GET_SIZE(bytes) != size) _PyBytes_Resize(&bytes, size);
  return bytes;
}

}  // namespace

int DescriptorIo::open(int fd, bool stays_blocking) noexcept {
  kind_ = kind_of_descriptor(fd);
  if (kind_ < 0 || (!stays_blocking && make_nonblocking(fd) < 0)) return set_os_error();
  fd_ = fd;
  call_by_call_ = stays_blocking;
  return 0;
}

void DescriptorIo::end() noexcept {
  const int fd = fd_;
  fd_ = -1;
  if (fd >= 0) end_descriptor_waits(fd);
}

int DescriptorIo::fd() const noexcept {
  if (fd_ < 0) PyErr_SetString(PyExc_ValueError, "I/O operation on closed file");
  return fd_;
}

int DescriptorIo::is_terminal() const noexcept {
  if (fd() < 0) return -1;
  return kind_ == kTerminalPerhaps && ::isatty(fd_) == 1 ? 1 : 0;
}

int DescriptorIo::has_position() const noexcept {
  if (fd() < 0) return -1;
  return ::lseek(fd_, 0, SEEK_CUR) >= 0 ? 1 : 0;
}

long long DescriptorIo::seek(long long offset, int whence) noexcept {
  if (fd() < 0) return -1;
  const long long position = ::lseek(fd_, offset, whence);
  return position < 0 ? set_os_error() : position;
}

template <typename Attempt>
Py_ssize_t DescriptorIo::repeat(int event, Attempt attempt) noexcept {
  for (;;) {
    const int fd = this->fd();
    if (fd < 0) return -1;
    const Py_ssize_t count = on_disk() ? without_gil([&] { return attempt(fd); }) : attempt(fd);
    if (count >= 0) return count;
    if (errno == EAGAIN) {
      if (wait_for_descriptor(fd, event, -1) == kFailed) return -1;
    } else if (errno == EINTR) {
      if (PyErr_CheckSignals() < 0) return -1;
    } else {
      return set_os_error();
    }
  }
}

Py_ssize_t DescriptorIo::read(char* data, std::size_t size) noexcept {
  const bool tells = call_by_call_ && !on_disk();
  return repeat(kRead, [=](int fd) { return tells ? read_now(fd, data, size) : ::read(fd, data, size); });
}

Py_ssize_t DescriptorIo::write(const char* data, std::size_t size) noexcept {
  const bool tells = call_by_call_ && !on_disk();
  return repeat(kWrite, [=](int fd) { return tells ? write_piece(fd, data, size) : ::write(fd, data, size); });
}

PyObject* DescriptorIo::read_some(Py_ssize_t size) noexcept {
  PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, size);
  if (bytes == nullptr) return nullptr;
  const Py_ssize_t count = read(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(size));
  if (count >= 0) return cut(bytes, count);
  Py_DECREF(bytes);
  return nullptr;
}

PyObject* DescriptorIo::read_all() noexcept {
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, kFirstPiece);
  for (Py_ssize_t used = 0; bytes != nullptr;) {
    const Py_ssize_t room = std::min(PyBytes_GET_SIZE(bytes) - used, kPieceMax);
    const Py_ssize_t count = read(PyBytes_AS_STRING(bytes) + used, static_cast<std::size_t>(room));
    if (count == 0) return cut(bytes, used);
    if (count < 0) {
      Py_DECREF(bytes);
      return nullptr;
    }
    used += count;
    if (used == PyBytes_GET_SIZE(bytes)) _PyBytes_Resize(&bytes, 2 * used);
  }
  return nullptr;
}

bool would_stop_others(int fd) noexcept {
  if (hub_state() == nullptr || in_hub()) return false;
  const int kind = kind_of_descriptor(fd);
  return kind >= 0 && kind != kDisk && blocks(fd);
}

PyObject* read_beside_others(int fd, Py_ssize_t size) noexcept {
  PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, size);
  if (bytes == nullptr) return nullptr;
  for (;;) {
    const Py_ssize_t count = read_now(fd, PyBytes_AS_STRING(bytes), static_cast<std::size_t>(size));
    if (count >= 0) return cut(bytes, count);
    if (errno != EAGAIN) {
      set_os_error();
      break;
    }
    if (wait_for_descriptor(fd, kRead, -1) == kFailed) break;
  }
  Py_DECREF(bytes);
  return nullptr;
}

Py_ssize_t write_beside_others(int fd, const char* data, Py_ssize_t size) noexcept {
  for (Py_ssize_t done = 0;;) {
    const Py_ssize_t count = write_piece(fd, data + done, static_cast<std::size_t>(size - done));
    if (count >= 0) {
      done += count;
      if (done >= size) return done;
    } else if (errno != EAGAIN) {
      return set_os_error();
    } else if (wait_for_descriptor(fd, kWrite, -1) == kFailed) {
      return -1;
    }
  }
}

}  // namespace gevent
