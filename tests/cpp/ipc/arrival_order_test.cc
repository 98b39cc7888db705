#include "ipc/arrival_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <vector>

#include "ipc/process_table.h"

using gevent::ArrivalOrder;
using gevent::ProcessTable;
namespace wake = gevent::wake;

namespace {

using Marks = wake::Marks<ProcessTable::kMax / 64>;

Marks marks_of(const std::vector<std::uint32_t>& processes) {
  Marks marks{};
  for (const std::uint32_t each : processes) marks[each / 64] |= std::uint64_t{1} << each % 64;
  return marks;
}

}  // namespace

TEST_CASE("who came first is first, and then has no place any more") {
  ArrivalOrder order{};
  for (const std::uint32_t each : {7u, 0u, 383u, 2u}) order.add(each);
  order.add(0);  // has its place already
  CHECK(order.first(marks_of({0, 2, 7, 383}), 0, 0) == 7);
  CHECK(order.first(marks_of({0, 2, 383}), 0, 0) == 0);
  order.add(7);
  CHECK(order.first(marks_of({2, 7, 383}), 0, 0) == 383);
  CHECK(order.first(marks_of({2, 7}), 0, 0) == 2);
  CHECK(order.first(marks_of({7}), 0, 0) == 7);
  CHECK(order.first(marks_of({}), 0, 5) == 5);
}

TEST_CASE("who sleeps no more keeps nobody waiting, and no place") {
  ArrivalOrder order{};
  for (std::uint32_t each = 1; each <= ArrivalOrder::kPlaces; ++each) order.add(each);
  CHECK(order.first(marks_of({5, 7}), 0, 0) == 5);
  for (std::uint32_t each = 11; each < 11 + ArrivalOrder::kPlaces - 1; ++each) order.add(each);
  CHECK(order.first(marks_of({7, 11, 16}), 0, 0) == 7);
  CHECK(order.first(marks_of({11, 16}), 0, 0) == 11);
}

TEST_CASE("who found no place comes before those who have one, in turn") {
  ArrivalOrder order{};
  for (std::uint32_t each = 1; each <= ArrivalOrder::kPlaces; ++each) order.add(each);
  order.add(20);
  order.add(10);
  CHECK(order.first(marks_of({3, 4, 10, 20}), 0, 0) == 10);
  CHECK(order.first(marks_of({3, 4, 20}), 0, 11) == 20);
  CHECK(order.first(marks_of({3, 4}), 0, 21) == 3);
}

TEST_CASE("however many come and go, nobody is passed over for ever") {
  std::mt19937 random{20261129};
  for (const std::uint32_t processes : {2u, 5u, 7u, 8u, 33u, 384u}) {
    CAPTURE(processes);
    ArrivalOrder order{};
    std::uint32_t turn = 0;
    std::vector<std::uint32_t> passed_over(processes, 0);
    std::set<std::uint32_t> sleepers;
    std::uint32_t most = 0;
    for (int round = 0; round < 20000; ++round) {
      for (std::uint32_t each = 0; each < processes; ++each) {
        if (random() % 2 == 0 && sleepers.insert(each).second) order.add(each);
      }
      if (sleepers.empty()) continue;
      const Marks marks = marks_of({sleepers.begin(), sleepers.end()});
      const std::uint32_t woken = wake::next_mark(marks, order.first(marks, 0, turn));
      REQUIRE(sleepers.erase(woken) == 1);
      turn = woken + 1;
      passed_over[woken] = 0;
      for (const std::uint32_t each : sleepers) most = std::max(most, ++passed_over[each]);
    }
    CHECK(most <= 2 * processes);
  }
}

TEST_CASE("as long as all have a place, the order is that of their coming") {
  std::mt19937 random{7};
  ArrivalOrder order{};
  std::deque<std::uint32_t> expected;
  for (int round = 0; round < 20000; ++round) {
    const std::uint32_t process = random() % ArrivalOrder::kPlaces;
    if (std::find(expected.begin(), expected.end(), process) == expected.end()) {
      order.add(process);
      expected.push_back(process);
    }
    if (random() % 3 == 0) continue;
    REQUIRE(order.first(marks_of({expected.begin(), expected.end()}), 0, random() % 64) == expected.front());
    expected.pop_front();
  }
}

TEST_CASE("a thread has its place among the processes") {
  ArrivalOrder order{};
  order.add(3);
  order.add_thread();
  order.add_thread();
  order.add(1);
  CHECK(order.first(marks_of({1, 3}), 2, 0) == 3);
  CHECK(order.first(marks_of({1}), 2, 0) == wake::kThreadFirst);
  // The other one has left.
  CHECK(order.first(marks_of({1}), 0, 0) == 1);
}

TEST_CASE("threads and processes without a place take turns") {
  ArrivalOrder order{};
  CHECK(order.first(marks_of({1, 3}), 1, 2) == 3);
  CHECK(order.first(marks_of({1, 3}), 1, 2 | wake::kThreadFirst) == wake::kThreadFirst);
  CHECK(order.first(marks_of({}), 1, 2) == wake::kThreadFirst);
}
