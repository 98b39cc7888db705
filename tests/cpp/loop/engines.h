// What every test of loops and watchers needs.
#pragma once
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <vector>

#include "base/owned_fd.h"
#include "loop/libev/libev_loop.h"
#include "loop/libuv/libuv_loop.h"
#include "loop/loop.h"

namespace gevent::testing {

// Every LOOP_TEST_CASE runs once with each engine: make_loop() makes a loop of the one that is being tested.
enum class Engine { kLibev, kLibuv };
inline Engine engine = Engine::kLibev;

#define GEVENT_LOOP_TEST_CASE(function, name)                  \
  static void function();                                      \
  TEST_CASE("libev: " name) {                                  \
    gevent::testing::engine = gevent::testing::Engine::kLibev; \
    function();                                                \
  }                                                            \
  TEST_CASE("libuv: " name) {                                  \
    gevent::testing::engine = gevent::testing::Engine::kLibuv; \
    function();                                                \
  }                                                            \
  static void function()
#define LOOP_TEST_CASE(name) GEVENT_LOOP_TEST_CASE(DOCTEST_ANONYMOUS(loop_test_), name)

inline std::unique_ptr<Loop> make_loop(unsigned flags = 0) {
  auto made = engine == Engine::kLibuv ? make_libuv_loop() : make_libev_loop(flags);
  REQUIRE(made.ok());
  return std::move(made).value();
}

// What make_loop() may be given: libev waits with several system calls.
inline std::vector<unsigned> backends() {
  if (engine == Engine::kLibuv) return {0};
  std::vector<unsigned> those;
  for (const unsigned each : {EVBACKEND_EPOLL, EVBACKEND_KQUEUE, EVBACKEND_POLL, EVBACKEND_SELECT}) {
    if ((ev_supported_backends() & each) != 0) those.push_back(each);
  }
  return those;
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
