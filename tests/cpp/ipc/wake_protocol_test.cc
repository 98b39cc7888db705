#include "ipc/wake_protocol.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "ipc/protocol_search.h"

namespace gevent::search {
namespace {

constexpr std::uint32_t kMany = 9;

// As wait_for_unit() does, `times` over; `gives_back`: each unit, as the holder of a lock.
Program sleeper(int times, bool gives_back = false, bool may_give_up = false) {
  return [=](World& world, std::uint32_t number) {
    for (int i = 0; i < times; ++i) {
      bool taken;
      wake::announce(world, number);
      for (;;) {
        taken = wake::take(world);
        if (taken || !world.hears(may_give_up)) break;
        wake::hear(world, number);
      }
      wake::retire(world, number);
      wake::pass_on(world);
      if (taken && gives_back) wake::give(world, kMany);
    }
  };
}

Program thread_sleeper() {
  return [](World& world, std::uint32_t) {
    wake::announce_thread(world);
    while (!wake::take(world)) world.thread_sleep();
    wake::retire_thread(world);
    wake::pass_on(world);
  };
}

Program giver(int units) {
  return [=](World& world, std::uint32_t) {
    for (int i = 0; i < units; ++i) wake::give(world, kMany);
  };
}

// Comes by, takes a unit where there is one and gives it back.
Program passer(int times) {
  return [=](World& world, std::uint32_t) {
    for (int i = 0; i < times; ++i) {
      if (wake::take(world)) wake::give(world, kMany);
    }
  };
}

struct Named {
  const char* what;
  Scenario scenario;
  bool many_states = false;
};

std::vector<Named> all_scenarios() {
  return {
      {"one sleeps, one gives", {{sleeper(1), giver(1)}}},
      {"one sleeps twice, one gives twice", {{sleeper(2), giver(2)}}},
      {"two sleep, one gives", {{sleeper(1), sleeper(1), giver(1)}}},
      {"two sleep, one gives two", {{sleeper(1), sleeper(1), giver(2)}}, true},
      {"one sleeps, two give", {{sleeper(2), giver(1), giver(1)}}},
      {"one sleeps, another may give up", {{sleeper(1, false, true), sleeper(1), giver(1)}}},
      {"a lock's holder leaves it to two", {{sleeper(1, true), sleeper(1, true), giver(1)}}, true},
      {"one comes by while another sleeps", {{sleeper(1), passer(1), giver(1)}}},
      {"a thread and a process sleep, one gives", {{thread_sleeper(), sleeper(1), giver(1)}}},
      {"a thread and a process sleep, one gives two", {{thread_sleeper(), sleeper(1), giver(2)}}, true},
      {"a thread sleeps, another process may give up", {{thread_sleeper(), sleeper(1, false, true), giver(1)}}},
  };
}

// A sanitizer looks at the code of the steps, which fewer states show as well.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kOnlyFewStates = true;
#else
constexpr bool kOnlyFewStates = false;
#endif

}  // namespace

TEST_CASE("no unit is left with sleepers, however the steps of processes and their memory are interleaved") {
  std::size_t states = 0;
  for (const Named& each : all_scenarios()) {
    CAPTURE(each.what);
    if (kOnlyFewStates && each.many_states) continue;
    const Found found = search(each.scenario);
    CHECK(found.lost == 0);
    CHECK(found.ends > 0);
    states += found.states;
    std::printf("  %-50s %9zu states, %7zu ends, %zu bad\n", each.what, found.states, found.ends, found.lost);
  }
  std::printf("wake protocol: %zu states visited, none bad\n", states);
}

TEST_CASE("whoever dies before whichever step, the next unit that comes back wakes the sleepers") {
  std::size_t states = 0, left = 0;
  for (Named& each : all_scenarios()) {
    CAPTURE(each.what);
    if (each.many_states) continue;
    each.scenario.deaths = 1;
    each.scenario.programs.push_back(passer(1));
    each.scenario.last_comes_later = true;
    const Found healed = search(each.scenario);
    CHECK(healed.lost == 0);
    states += healed.states;
    left += healed.left;
    std::printf("  %-50s %9zu states, %7zu ends, %zu left to the next unit or %lld ms\n", each.what, healed.states,
                healed.ends, healed.left, static_cast<long long>(wake::kLookAgainMax.count()));
    // Where nobody can tell that a process is dead, its mark costs one more.
    each.scenario.programs.back() = passer(2);
    Breakage unseen;
    unseen.death_unseen = true;
    const Found healed_later = search(each.scenario, unseen);
    CHECK(healed_later.lost == 0);
    states += healed_later.states;
  }
  CHECK(left > 0);  // or the search has not seen the deaths
  std::printf("wake protocol, one death: %zu states visited, none bad\n", states);
}

TEST_CASE("the search finds the fault when one order of the protocol is relaxed, or one step is left out") {
  // From the small to the large.
  std::vector<Named> scenarios = all_scenarios();
  std::stable_partition(scenarios.begin(), scenarios.end(), [](const Named& each) { return !each.many_states; });
  const auto found_by = [&](const Breakage& breakage) -> std::string {
    for (const Named& each : scenarios) {
      if (finds_fault(each.scenario, breakage)) return each.what;
    }
    return "nobody";
  };
  const auto check = [&](wake::Step step, Breakage::How how) {
    const std::string by = found_by({step, how});
    CAPTURE(step);
    CAPTURE(how);
    CHECK(by != "nobody");
    std::printf("  step %2d %-8s: found by '%s'\n", step, how == Breakage::kRelaxed ? "relaxed" : "left out",
                by.c_str());
  };
  for (const wake::Step step :
       {wake::kLook, wake::kRaise, wake::kFindSleepers, wake::kFindThreads, wake::kReadHeard, wake::kAnnounce,
        wake::kRetire, wake::kLookAfterwards, wake::kHear, wake::kAnnounceThread}) {
    check(step, Breakage::kRelaxed);
  }
  for (const wake::Step step : {wake::kFindSleepers, wake::kFindThreads, wake::kAnnounce, wake::kRetire,
                                wake::kLookAfterwards, wake::kHear, wake::kAnnounceThread}) {
    check(step, Breakage::kLeftOut);
  }
  Breakage silent;
  silent.no_rings = true;
  CHECK(found_by(silent) != "nobody");
}

}  // namespace gevent::search
