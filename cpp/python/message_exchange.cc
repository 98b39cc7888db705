#include "python/message_exchange.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <vector>

#include "ipc/framing.h"
#include "ipc/transfer.h"
#include "python/descriptor_wait.h"
#include "python/hub_state.h"
#include "python/parking.h"

namespace gevent {
namespace {

enum class Progress { kDone, kWait, kFailed };

int set_os_error() noexcept {
  PyErr_SetFromErrno(PyExc_OSError);
  return -1;
}

// One direction of one descriptor, in the middle of a message.
class Unfinished {
 public:
  explicit Unfinished(int fd) noexcept : fd(fd) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() { line.wake_all(); }

  void remember_file() noexcept {
    if (::fstat(fd, &file_) != 0) file_ = {};
  }
  // False when the number was closed behind our back and belongs to another file by now.
  [[nodiscard]] bool same_file() const noexcept {
    struct stat now = {};
    return ::fstat(fd, &now) == 0 && now.st_dev == file_.st_dev && now.st_ino == file_.st_ino;
  }

  const int fd;
  bool busy = true;  // its greenlet is at it; otherwise that one was interrupted
  WaitQueue line;    // who wants the same direction
  std::shared_ptr<bool> closed = std::make_shared<bool>(false);  // outlives the record, for those in line

 private:
  struct stat file_ = {};
};

// What has arrived of a message.
class Incoming : public Unfinished {
 public:
  using Unfinished::Unfinished;
  ~Incoming() { Py_XDECREF(payload); }

  [[nodiscard]] bool begun() const noexcept { return header.begun() || filled > 0; }

  // Reads what is there.
  Progress advance(std::int64_t size_max) noexcept {
    while (payload == nullptr && !too_long) {
      if (header.complete()) {
        too_long = !header.valid() || (size_max >= 0 && header.size() > static_cast<std::uint64_t>(size_max));
        if (too_long) return Progress::kDone;
        if (!make_room(header.size())) return Progress::kFailed;
        break;
      }
      const std::span<std::byte> wanted = header.wanted();
      const ssize_t count = ::gevent::read_now(fd, wanted.data(), wanted.size());
      if (count <= 0) return stopped(count);
      header.arrived(static_cast<std::size_t>(count));
    }
    return fill();
  }

  // The payload, in pieces.
  Progress fill() noexcept {
    const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(payload));
    while (filled < size) {
      const ssize_t count = ::gevent::read_now(fd, PyBytes_AS_STRING(payload) + filled, size - filled);
      if (count <= 0) return stopped(count);
      filled += static_cast<std::size_t>(count);
    }
    return Progress::kDone;
  }

  bool make_room(std::uint64_t size) noexcept {
    if (size > static_cast<std::uint64_t>(PY_SSIZE_T_MAX)) {
      PyErr_NoMemory();
      return false;
    }
    payload = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
    return payload != nullptr;
  }

  // What was read is with the record already.
  bool keep_rest() noexcept { return true; }

  // Whether what has arrived ends where the standard library begins another read: there, the end is an EOFError.
  [[nodiscard]] bool between_parts() noexcept { return payload != nullptr ? filled == 0 : header.between_parts(); }

  FrameHeaderReader header;
  PyObject* payload = nullptr;
  std::size_t filled = 0;
  bool too_long = false;

 private:
  Progress stopped(ssize_t count) noexcept {
    if (count < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Progress::kWait;
      set_os_error();
    } else if (between_parts()) {
      PyErr_SetNone(PyExc_EOFError);
    } else {
      PyErr_SetString(PyExc_OSError, "got end of file during message");
    }
    return Progress::kFailed;
  }
};

// What is still to be written of a message.
class Outgoing : public Unfinished {
 public:
  Outgoing(int fd, std::span<const std::byte> header, const void* data, std::size_t size) noexcept
      : Unfinished(fd), header_length_(header.size()), data_(static_cast<const char*>(data)), size_(size) {
    std::copy(header.begin(), header.end(), header_);
  }
  ~Outgoing() { Py_XDECREF(kept_); }

  [[nodiscard]] bool begun() const noexcept { return written_ > 0 || kept_ != nullptr; }

  Progress advance(std::int64_t) noexcept {
    const std::size_t total = header_length_ + size_;
    while (written_ < total) {
      iovec pieces[2];
      int count = 0;
      if (written_ < header_length_) pieces[count++] = {header_ + written_, header_length_ - written_};
      const std::size_t from = written_ > header_length_ ? written_ - header_length_ : 0;
      if (from < size_) pieces[count++] = {const_cast<char*>(data_) + from, size_ - from};
      const ssize_t moved = write_now(fd, pieces, count);
      if (moved < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return Progress::kWait;
        set_os_error();
        return Progress::kFailed;
      }
      written_ += static_cast<std::size_t>(moved);
    }
    return Progress::kDone;
  }

  // The sender goes away and its data with it: copies what is left. False when there is no memory.
  bool keep_rest() noexcept {
    if (kept_ != nullptr) return true;
    const std::size_t from = written_ > header_length_ ? written_ - header_length_ : 0;
    kept_ = PyBytes_FromStringAndSize(data_ + from, static_cast<Py_ssize_t>(size_ - from));
    if (kept_ == nullptr) return false;
    written_ = std::min(written_, header_length_);
    data_ = PyBytes_AS_STRING(kept_);
    size_ -= from;
    return true;
  }

 private:
  std::byte header_[12];
  std::size_t header_length_;
  const char* data_;
  std::size_t size_;
  std::size_t written_ = 0;
  PyObject* kept_ = nullptr;
};

// The records of one direction: few, mostly none. Guarded by the GIL.
template <typename Record>
class Records {
 public:
  static Records& all() noexcept {
    static auto* records = new Records;  // never destroyed: greenlets may use them until the very end
    return *records;
  }

  [[nodiscard]] Record* find(int fd) const noexcept {
    for (const std::unique_ptr<Record>& each : records_) {
      if (each->fd == fd) return each.get();
    }
    return nullptr;
  }
  Record* add(std::unique_ptr<Record> record) noexcept {
    records_.push_back(std::move(record));
    return records_.back().get();
  }
  // Takes it off the records; nullptr when it is not there any more.
  std::unique_ptr<Record> take(const Record* record) noexcept {
    const auto at = std::find_if(records_.begin(), records_.end(), [&](auto& each) { return each.get() == record; });
    if (at == records_.end()) return nullptr;
    std::unique_ptr<Record> taken = std::move(*at);
    records_.erase(at);
    return taken;
  }
  void close(int fd) noexcept {
    while (Record* record = find(fd)) {
      *record->closed = true;
      take(record).reset();
    }
  }
  // Wakes nobody, and frees nothing: the parent's greenlets, which never run here, still refer to it.
  void forget() noexcept {
    for (std::unique_ptr<Record>& each : records_) {
      while (Waiter* waiter = each->line.front()) waiter->unlink();
      static_cast<void>(each.release());
    }
    records_.clear();
  }

  // Waits until nobody is in the middle of a message, and takes over what an interrupted one left, if any. False +
  // exception.
  bool wait_for_turn(int fd, std::unique_ptr<Record>& left) noexcept {
    while (Record* record = find(fd)) {
      if (!record->busy) {
        left = take(record);
        if (left->same_file()) return true;
        left.reset();
        continue;
      }
      const std::shared_ptr<bool> closed = record->closed;
      if (park_in(record->line, -1.0) == kFailed) return false;
      if (*closed) {
        errno = EBADF;
        set_os_error();
        return false;
      }
    }
    return true;
  }

  // Moves `message` on until it is done or fails. kWait: not a byte of it was there (or fitted); it may be by now, or
  // somebody else may be at it.
  Progress run(std::unique_ptr<Record>& message, int events, std::int64_t size_max) noexcept {
    for (;;) {
      const Progress progress = message->advance(size_max);
      if (progress != Progress::kWait) return progress;
      const int fd = message->fd;
      if (!message->begun()) {
        return wait_for_descriptor(fd, events, -1.0) == kFailed ? Progress::kFailed : Progress::kWait;
      }
      message->remember_file();
      message->busy = true;
      Record* record = add(std::move(message));
      const bool interrupted = wait_for_descriptor(fd, events, -1.0) == kFailed;
      message = take(record);
      if (message == nullptr) {
        // Closed. An exception is set if that woke us; the other case is that we were about to go on.
        if (!interrupted) {
          errno = EBADF;
          set_os_error();
        }
        return Progress::kFailed;
      }
      if (interrupted) {
        leave(std::move(message));
        return Progress::kFailed;
      }
    }
  }

 private:
  void leave(std::unique_ptr<Record> message) noexcept {
    if (!message->keep_rest()) return;
    message->busy = false;
    WaitQueue& line = message->line;
    add(std::move(message));
    line.wake_one();
  }

  std::vector<std::unique_ptr<Record>> records_;
};

using AllIncoming = Records<Incoming>;
using AllOutgoing = Records<Outgoing>;

constexpr std::int64_t kNoLimit = -1;

// The message, done; nullptr + exception. `headless`: exactly so many bytes without a header.
std::unique_ptr<Incoming> receive(int fd, std::int64_t size_max, std::int64_t headless) noexcept {
  for (;;) {
    std::unique_ptr<Incoming> message;
    if (!AllIncoming::all().wait_for_turn(fd, message)) return nullptr;
    if (message == nullptr) {
      message = std::make_unique<Incoming>(fd);
      if (headless >= 0 && !message->make_room(static_cast<std::uint64_t>(headless))) return nullptr;
    }
    switch (AllIncoming::all().run(message, kRead, size_max)) {
      case Progress::kDone:
        return message;
      case Progress::kFailed:
        return nullptr;
      case Progress::kWait:
        break;
    }
  }
}

int send(int fd, std::span<const std::byte> header, const void* data, std::size_t size) noexcept {
  for (;;) {
    std::unique_ptr<Outgoing> message;
    if (!AllOutgoing::all().wait_for_turn(fd, message)) return -1;
    const bool ours = message == nullptr;
    if (ours) message = std::make_unique<Outgoing>(fd, header, data, size);
    const Progress progress = AllOutgoing::all().run(message, kWrite, kNoLimit);
    if (progress == Progress::kFailed) return -1;
    if (progress == Progress::kDone && ours) return 0;
  }
}

}  // namespace

PyObject* receive_message(int fd, std::int64_t size_max) noexcept {
  const std::unique_ptr<Incoming> message = receive(fd, size_max, -1);
  if (message == nullptr) return nullptr;
  return Py_NewRef(message->too_long ? Py_None : message->payload);
}

PyObject* receive_bytes(int fd, std::size_t size) noexcept {
  const std::unique_ptr<Incoming> message = receive(fd, kNoLimit, static_cast<std::int64_t>(size));
  return message == nullptr ? nullptr : Py_NewRef(message->payload);
}

int send_message(int fd, const void* data, std::size_t size) noexcept {
  const FrameHeader header(size);
  return send(fd, header.bytes(), data, size);
}

int send_bytes(int fd, const void* data, std::size_t size) noexcept { return send(fd, {}, data, size); }

bool sending_unfinished(int fd) noexcept {
  const Outgoing* record = AllOutgoing::all().find(fd);
  return record != nullptr && !record->busy;
}

int finish_sending(int fd) noexcept { return sending_unfinished(fd) ? send(fd, {}, nullptr, 0) : 0; }

int close_exchange(int fd) noexcept {
  end_descriptor_waits(fd);
  AllIncoming::all().close(fd);
  AllOutgoing::all().close(fd);
  return ::close(fd) == 0 ? 0 : set_os_error();
}

void forget_exchanges() noexcept {
  AllIncoming::all().forget();
  AllOutgoing::all().forget();
}

int yield_if_turn_is_over() noexcept {
  const HubState* hub = hub_state();
  return hub == nullptr || hub->loop == nullptr || hub->loop->may_run_another() ? 0 : yield_turn();
}

int yield_turn() noexcept {
  const HubState* hub = hub_state();
  if (hub == nullptr || hub->loop == nullptr) return 0;
  PyObject* current = current_greenlet();
  const bool in_hub = current == reinterpret_cast<PyObject*>(hub->greenlet);
  Py_XDECREF(current);
  if (current == nullptr) return -1;
  return in_hub || park_for(0, true) != kFailed ? 0 : -1;
}

}  // namespace gevent
