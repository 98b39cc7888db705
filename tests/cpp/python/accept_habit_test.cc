#include "python/socket/accept_habit.h"

#include <doctest/doctest.h>

using gevent::AcceptHabit;

namespace {

// An event, and so many connections behind it. Returns how often accept() was called.
int calls_at_event(AcceptHabit& habit, int connections, int accepted_max = 100) {
  static_cast<void>(habit.begin());
  int calls = 0;
  while (habit.goes_on(accepted_max)) {
    ++calls;
    const bool found = connections-- > 0;
    habit.tried(found);
    if (!found) break;
  }
  return calls;
}

}  // namespace

TEST_CASE("accept habit: all are accepted that there are, up to a limit, and one call more tells that these were all") {
  AcceptHabit habit;
  CHECK(calls_at_event(habit, 3) == 4);
  CHECK(habit.accepted() == 3);
  CHECK(calls_at_event(habit, 5, 2) == 2);
  CHECK(calls_at_event(habit, 0) == 1);
  CHECK(habit.accepted() == 0);
}

TEST_CASE("accept habit: where one comes at a time, a second is asked for now and then only") {
  AcceptHabit habit;
  int calls = 0;
  for (int event = 0; event < 8; ++event) calls += calls_at_event(habit, 1);
  CHECK(calls == 16);
  calls = 0;
  for (int event = 8; event < 24; ++event) calls += calls_at_event(habit, 1);
  CHECK(calls == 17);
}

TEST_CASE("accept habit: once a second is found, all are asked for again") {
  AcceptHabit habit;
  for (int event = 0; event < 16; ++event) calls_at_event(habit, 1);
  CHECK(calls_at_event(habit, 2) == 3);  // now and then
  CHECK(calls_at_event(habit, 2) == 3);
}

TEST_CASE("accept habit: an event without a connection teaches nothing") {
  AcceptHabit habit;
  for (int event = 0; event < 20; ++event) calls_at_event(habit, 0);
  CHECK(calls_at_event(habit, 2) == 3);
}

TEST_CASE("accept habit: one connection is expected for each event, and the mode is looked at now and then") {
  AcceptHabit habit;
  CHECK_FALSE(habit.take_expected());
  int looks = 0;
  for (int event = 0; event < 32; ++event) {
    looks += habit.begin() ? 1 : 0;
    CHECK(habit.take_expected());
    CHECK_FALSE(habit.take_expected());
  }
  CHECK(looks == 2);
}
