#include "loop/ready_queue.h"

#include <doctest/doctest.h>

#include <vector>

using namespace gevent;

namespace {

void nothing(void*, void*) noexcept {}
ReadyEntry numbered(std::uintptr_t number) { return {&nothing, reinterpret_cast<void*>(number), nullptr}; }
std::uintptr_t number_of(const ReadyEntry& entry) { return reinterpret_cast<std::uintptr_t>(entry.target); }

std::vector<std::uintptr_t> drain(ReadyQueue& queue) {
  std::vector<std::uintptr_t> taken;
  while (queue.peek() != nullptr) taken.push_back(number_of(queue.pop()));
  return taken;
}

}  // namespace

TEST_CASE("entries come out in the order in which they went in") {
  ReadyQueue queue;
  CHECK(queue.empty());
  for (std::uintptr_t i = 1; i <= 3; ++i) queue.push(numbered(i));
  CHECK(queue.size() == 3);
  CHECK(drain(queue) == std::vector<std::uintptr_t>{1, 2, 3});
  CHECK(queue.empty());
}

TEST_CASE("the ring grows while it is half way round, and keeps its order") {
  ReadyQueue queue;
  for (std::uintptr_t i = 0; i < 200; ++i) queue.push(numbered(i));
  for (std::uintptr_t i = 0; i < 200; ++i) CHECK(number_of(queue.pop()) == i);
  for (std::uintptr_t i = 0; i < 5000; ++i) queue.push(numbered(i));
  CHECK(queue.size() == 5000);
  const auto taken = drain(queue);
  REQUIRE(taken.size() == 5000);
  for (std::uintptr_t i = 0; i < 5000; ++i) CHECK(taken[i] == i);
}

TEST_CASE("a cancelled entry is skipped, wherever the ring has moved to since") {
  ReadyQueue queue;
  queue.push(numbered(1));
  const auto second = queue.push(numbered(2));
  for (std::uintptr_t i = 3; i <= 1000; ++i) queue.push(numbered(i));  // grows
  queue.cancel(second);
  queue.pop();
  REQUIRE(queue.peek() != nullptr);
  CHECK(number_of(queue.pop()) == 3);
}

TEST_CASE("cancelling what was taken already does nothing") {
  ReadyQueue queue;
  const auto first = queue.push(numbered(1));
  queue.pop();
  for (std::uintptr_t i = 2; i <= 300; ++i) queue.push(numbered(i));
  queue.cancel(first);
  CHECK(drain(queue).size() == 299);
}

TEST_CASE("a queue of cancelled entries has nothing to run") {
  ReadyQueue queue;
  queue.cancel(queue.push(numbered(1)));
  CHECK_FALSE(queue.empty());
  CHECK(queue.peek() == nullptr);
  CHECK(queue.empty());
}
