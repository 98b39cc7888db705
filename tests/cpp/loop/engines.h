// What every test of loops and watchers needs.
#pragma once
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "base/owned_fd.h"
#include "loop/libev/libev_loop.h"
#include "loop/loop.h"

namespace gevent::testing {

inline std::unique_ptr<Loop> make_loop(unsigned flags = 0) {
  auto made = make_libev_loop(flags);
  REQUIRE(made.ok());
  return std::move(made).value();
}

// Counts a watcher's callbacks: give its address as the owner.
struct Counter {
  int calls = 0;
  int last_events = 0;
  static void on_event(Watcher& watcher, int revents) noexcept {
    Counter& self = *static_cast<Counter*>(watcher.owner);
    ++self.calls;
    self.last_events = revents;
  }
};

class Pipe {
 public:
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
  }
  [[nodiscard]] int read_end() const { return read_end_.get(); }
  [[nodiscard]] int write_end() const { return write_end_.get(); }
  void write(const char* text) { REQUIRE(::write(write_end(), text, std::strlen(text)) > 0); }
  void close_read_end() { read_end_.reset(); }

 private:
  OwnedFd read_end_, write_end_;
};

}  // namespace gevent::testing
