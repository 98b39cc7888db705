// Small pieces that leave together: the kernel is given each, and holds it back until more comes.
//
// PEP 3333 has a server ask for the next piece of a body only when the last one is sent, or sure to leave while the
// next is made. What makes sure of it is the kernel. What it has been given is not this process's any more, so neither
// a crash nor a fork can lose or repeat it; it leaves after 200 ms at the latest, whatever the thread does meanwhile,
// and at once when the greenlet that makes the pieces lets others run. Pieces are held back only while they come
// quickly one after another.
//
// For one connection. All need the GIL.
#pragma once
#include <sys/socket.h>

#include <cstdint>

namespace gevent {

class HeldOutput {
 public:
#ifdef MSG_MORE
  static constexpr int kHold = MSG_MORE;
#else
  static constexpr int kHold = 0;  // nothing is ever held back
#endif

  HeldOutput() noexcept = default;
  HeldOutput(const HeldOutput&) = delete;
  HeldOutput& operator=(const HeldOutput&) = delete;
  ~HeldOutput();

  // Which flag the next piece of a body is to be sent with, kHold or none. Asked when it has been made.
  [[nodiscard]] int flag_for_next() noexcept;
  // It was sent to `fd`, with `flag`.
  void sent(int fd, int flag) noexcept;
  // What was sent to `fd`, with kHold, is the last of the connection, which is closed in a moment: it leaves in one
  // packet with the end of the stream. Not by closing, which throws away what is held back if there is anything that
  // nobody has read.
  static void end_stream(int fd) noexcept { ::shutdown(fd, SHUT_WR); }
  // The next body is another one. What is still held back leaves.
  void end() noexcept;

 private:
  struct Errand;  // what the loop is to do
  void ask_loop() noexcept;
  static void run_errand(void* target, void* argument) noexcept;

  Errand* errand_ = nullptr;
  std::int64_t last_ns_ = 0;  // when the last piece was sent; 0: none
  bool quick_ = false;        // whether the last body was of several pieces, all made quickly
  bool several_ = false;
  bool quick_so_far_ = true;
};

}  // namespace gevent
