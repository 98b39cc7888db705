#include "loop/libuv/timer_heap.h"

#include <algorithm>

namespace gevent {

namespace {
constexpr std::size_t kBranches = 4;
}

void TimerHeap::add(Timer& timer, double at) noexcept {
  const Node node{at, started_++, &timer};
  nodes_.push_back(node);
  sift_up(nodes_.size() - 1, node);
}

void TimerHeap::remove(Timer& timer) noexcept {
  const std::size_t index = state_of(timer).timer.index - 1;
  state_of(timer).timer.index = 0;
  const Node last = nodes_.back();
  nodes_.pop_back();
  if (index < nodes_.size()) sift(index, last);
}

void TimerHeap::move(Timer& timer, double at) noexcept {
  sift(state_of(timer).timer.index - 1, Node{at, started_++, &timer});
}

void TimerHeap::place(std::size_t index, const Node& node) noexcept {
  nodes_[index] = node;
  auto& its = state_of(*node.timer).timer;
  its.at = node.at;
  its.index = index + 1;
}

void TimerHeap::sift(std::size_t index, const Node& node) noexcept {
  if (index > 0 && node.before(nodes_[(index - 1) / kBranches])) {
    sift_up(index, node);
  } else {
    sift_down(index, node);
  }
}

void TimerHeap::sift_up(std::size_t index, const Node& node) noexcept {
  while (index > 0) {
    const std::size_t parent = (index - 1) / kBranches;
    if (!node.before(nodes_[parent])) break;
    place(index, nodes_[parent]);
    index = parent;
  }
  place(index, node);
}

void TimerHeap::sift_down(std::size_t index, const Node& node) noexcept {
  const std::size_t size = nodes_.size();
  for (;;) {
    const std::size_t first = index * kBranches + 1;
    if (first >= size) break;
    const std::size_t end = std::min(first + kBranches, size);
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (nodes_[child].before(nodes_[least])) least = child;
    }
    if (!nodes_[least].before(node)) break;
    place(index, nodes_[least]);
    index = least;
  }
  place(index, node);
}

}  // namespace gevent
