// The active half of a Stat watcher.
#pragma once
#include <uv.h>

#include "loop/watcher.h"

namespace gevent {

// Looks at the attributes every so often, and at once when libuv's file events tell of something: an event on the file,
// or, while there is no such file, on the folder it would be in. (uv_fs_poll would look from libuv's threads, which do
// not survive a fork.)
class StatWatch {
 public:
  // `changed` is called after the Stat's attributes were updated.
  using Changed = void (*)(Stat& stat) noexcept;

  // `heard` is set when libuv has something to tell, even if the attributes are what they were.
  StatWatch(uv_loop_t& loop, Stat& stat, Changed changed, bool& heard) noexcept;
  ~StatWatch();
  StatWatch(const StatWatch&) = delete;
  StatWatch& operator=(const StatWatch&) = delete;

 private:
  void look() noexcept;
  void listen() noexcept;
  bool listen_to(const char* path) noexcept;
  void stop_listening() noexcept;
  static void on_tick(Watcher& watcher, int revents) noexcept;

  uv_loop_t& loop_;
  Stat& stat_;
  Changed changed_;
  bool& heard_;
  Timer tick_;
  uv_fs_event_t* events_ = nullptr;  // deletes itself some time after it was closed
};

}  // namespace gevent
