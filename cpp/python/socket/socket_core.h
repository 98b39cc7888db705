// What a green socket is made of: a descriptor, how long its calls may wait, and one watcher per direction.
#pragma once
#include <Python.h>
#include <sys/socket.h>

#include <memory>

#include "loop/watcher.h"
#include "python/wait/parking.h"

namespace gevent {

// The bits of a socket's type that are not its type; 0 where the system has no such bit.
#ifdef SOCK_NONBLOCK
inline constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
inline constexpr int kNonblockFlag = SOCK_NONBLOCK;
#else
inline constexpr int kTypeFlags = 0;
inline constexpr int kNonblockFlag = 0;
#endif

// How much longer one call may wait. Asks the clock only when a call has to wait a second time.
class Patience {
 public:
  Patience() noexcept : Patience(-1) {}  // for ever
  explicit Patience(double timeout_s) noexcept : timeout_s_(timeout_s) {}
  [[nodiscard]] bool none() const noexcept { return timeout_s_ == 0; }  // a call that would wait fails instead
  // What is left, in seconds; negative: no limit. 0 when it is used up.
  [[nodiscard]] double begin_wait() noexcept;

 private:
  double timeout_s_;
  double deadline_s_ = 0;
  bool waited_ = false;
};

// Which guess was right lately. A server that has read a request to its end and asks for the next one would be told
// EAGAIN nearly every time: when that was so twice in a row it waits first, which saves the call. Now and then it tries
// all the same, and once that succeeds it goes back to trying.
class ReceiveHabit {
 public:
  // Whether it is better to wait before a call is made.
  [[nodiscard]] bool waits_first() noexcept { return drained_ && vain_ >= kVainMax && ++waits_ % kTryEvery != 0; }

  // A call was made without waiting first.
  void tried(bool found_something) noexcept {
    if (found_something) {
      vain_ = 0;
    } else if (vain_ < kVainMax) {
      ++vain_;
    }
  }

  // `size` of `size_max` bytes came, with or without waiting.
  void received(Py_ssize_t size, Py_ssize_t size_max) noexcept {
    drained_ = size < size_max || size < kPiece;
    much_ = size >= kMuch;
  }

  // Whether the last message was so large that the next one is better received straight into its place.
  [[nodiscard]] bool expects_much() const noexcept { return much_; }

 private:
  static constexpr unsigned char kVainMax = 2;
  static constexpr unsigned char kTryEvery = 32;
  static constexpr Py_ssize_t kPiece = 4 * 1024;  // who asks for that much and gets it is reading something long
  static constexpr Py_ssize_t kMuch = 8 * 1024;
  bool drained_ = false;
  bool much_ = false;
  unsigned char vain_ = 0;
  unsigned char waits_ = 0;
};

// The descriptor's file is in O_NONBLOCK mode, as in gevent. Others may share the file and change the mode (a copy of
// the descriptor that is detached, another process), and a call that blocked would stop every greenlet. So messages are
// sent and received with MSG_DONTWAIT, and where there is no such flag the mode is looked at first.
//
// Belongs to no thread: whoever waits does so in the hub of its own thread, as long as nobody waits in another one for
// the same direction. In the child of a fork that abandoned its hub, waits begin afresh in the new one.
class SocketCore {
 public:
  SocketCore() noexcept = default;
  SocketCore(const SocketCore&) = delete;
  SocketCore& operator=(const SocketCore&) = delete;
  ~SocketCore();

  int fd = -1;  // owned by whoever made this
  int family = -1;
  int type = -1;
  int proto = -1;
  double timeout_s = -1;  // of each call; negative: for ever, 0: never

  // What receiving has taught about what comes next; see ReceiveHabit.
  ReceiveHabit habit;

  // Parks until the descriptor is ready for `event` (kRead or kWrite), or `patience` is over. kFailed comes with an
  // exception: ConcurrentObjectUseError when another greenlet waits for the same, or what parking.h says.
  [[nodiscard]] Parked park(int event, Patience& patience) noexcept;

  // The same; false + TimeoutError when patience is over.
  [[nodiscard]] bool wait(int event, Patience& patience) noexcept;

  // park(kRead) ahead of a receiving call. True when that may be made, which is also so when time is over, and in a
  // callback of the hub's, which cannot wait but may try.
  [[nodiscard]] bool wait_before_receiving(Patience& patience) noexcept;

  // For a system call that just failed with errno: true when it may be tried again, after waiting if need be.
  // Otherwise false + exception; without patience, EAGAIN becomes BlockingIOError. When others have shut the direction
  // down and closed the socket during the wait, OSError with the errno `when_shut`; with 0 true, and `fd` is -1.
  [[nodiscard]] bool may_retry(int event, Patience& patience, int when_shut) noexcept;

  // Whether a greenlet waits for one of `events`.
  [[nodiscard]] bool anybody_waits(int events) const noexcept;

  // `one` and `other` are the two ends of a pair: each wakes who waits to receive at the other end as it sends, and the
  // event need not be fetched from the kernel. A hint, no more: whoever is woken tries, and waits again if it was
  // wrong.
  static void join(SocketCore& one, SocketCore& other) noexcept;
  void sent() noexcept {
    if (other_end_ != nullptr) [[unlikely]]
      wake_other_end();
  }

  // Has whoever waits for `events` try again: what the kernel says may be another thing now, and no event may tell.
  void wake_waits(int events) noexcept;
  // The directions of `events` are shut down. Whoever waits for them is not told of a close(), but of this: in a
  // program of threads the system has told them before.
  void note_shut(int events) noexcept { shut_ |= events; }

  // Whether nothing more will come, of which the kernel tells only who asks: receiving a datagram without blocking says
  // EAGAIN after shutdown() as well, where a call that blocks ends.
  [[nodiscard]] bool ended_unsaid() const noexcept;

  // Makes whoever waits for `events` fail with `exception` (an instance, borrowed); the descriptor may then be closed.
  void cancel_waits(int events, PyObject* exception) noexcept;
  // Nobody waits any more, and the descriptor is about to be closed.
  void forget() noexcept;

  // Whether waiting on this socket keeps the loop running.
  [[nodiscard]] bool ref() const noexcept { return ref_; }
  void set_ref(bool ref) noexcept;

 private:
  std::unique_ptr<Io>& io_for(int event) noexcept { return event == kRead ? read_ : write_; }
  void wake_other_end() noexcept;
  void part() noexcept;

  std::unique_ptr<Io> read_;
  std::unique_ptr<Io> write_;
  SocketCore* other_end_ = nullptr;
  int shut_ = 0;  // of kRead, kWrite
  bool ref_ = true;
};

}  // namespace gevent
