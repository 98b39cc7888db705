// Timers, the next one first.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "loop/libuv/watcher_state.h"

namespace gevent {

// libuv's own timers count whole milliseconds from a time that may be stale, so that a sleep can end early; these are
// as exact as the clock. A heap with four branches: half as deep as one with two, and four neighbours share a cache
// line or two.
class TimerHeap {
 public:
  [[nodiscard]] bool empty() const noexcept { return nodes_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  // Seconds on the loop's clock. Requires: not empty.
  [[nodiscard]] double next_at() const noexcept { return nodes_.front().at; }

  // Requires: the timer is not in the heap.
  void add(Timer& timer, double at) noexcept;
  // Requires: it is.
  void remove(Timer& timer) noexcept;
  void move(Timer& timer, double at) noexcept;
  [[nodiscard]] Timer& next() noexcept { return *nodes_.front().timer; }

 private:
  struct Node {
    double at;
    std::uint64_t order;  // of two that are due at the same time, the one started first comes first
    Timer* timer;
    [[nodiscard]] bool before(const Node& other) const noexcept {
      return at < other.at || (at == other.at && order < other.order);
    }
  };
  void place(std::size_t index, const Node& node) noexcept;
  void sift_up(std::size_t index, const Node& node) noexcept;
  void sift_down(std::size_t index, const Node& node) noexcept;
  void sift(std::size_t index, const Node& node) noexcept;

  std::vector<Node> nodes_;
  std::uint64_t started_ = 0;
};

}  // namespace gevent
