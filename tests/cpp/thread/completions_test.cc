#include "thread/completions.h"

#include <memory>
#include <thread>
#include <vector>

#include "doctest/doctest.h"
#include "loop/libev/libev_loop.h"

using gevent::Completions;
using gevent::Job;
using gevent::Loop;

namespace {

std::unique_ptr<Loop> make_loop() { return gevent::make_libev_loop(0).value(); }

void remember(void* owner, Job& job) noexcept { static_cast<std::vector<Job*>*>(owner)->push_back(&job); }

}  // namespace

TEST_CASE("jobs posted from another thread arrive on the loop's thread, in their order") {
  auto loop = make_loop();
  std::vector<Job*> arrived;
  Completions completions(*loop, &remember, &arrived);
  std::vector<Job> jobs(100);
  for (std::size_t i = 0; i < jobs.size(); ++i) completions.expect();
  std::thread worker([&] {
    for (Job& job : jobs) {
      if (completions.post(job)) completions.notify();
    }
  });
  // Comes back when nothing is expected any more.
  loop->run(Loop::Mode::kDefault);
  worker.join();
  REQUIRE(arrived.size() == jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) CHECK(arrived[i] == &jobs[i]);
  CHECK(completions.expected() == 0);
}

TEST_CASE("one notification is enough for all that was posted since the last delivery") {
  auto loop = make_loop();
  std::vector<Job*> arrived;
  Completions completions(*loop, &remember, &arrived);
  Job first, second, third;
  for (int i = 0; i < 3; ++i) completions.expect();
  CHECK(completions.post(first));
  CHECK_FALSE(completions.post(second));
  completions.notify();
  loop->run(Loop::Mode::kNowait);
  CHECK(arrived.size() == 2);
  CHECK(completions.post(third));
  completions.notify();
  loop->run(Loop::Mode::kDefault);
  CHECK(arrived.size() == 3);
}

TEST_CASE("a loop that expects nothing is not kept running") {
  auto loop = make_loop();
  std::vector<Job*> arrived;
  Completions completions(*loop, &remember, &arrived);
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  completions.expect();
  CHECK(loop->run(Loop::Mode::kNowait));
  completions.give_up();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
}

TEST_CASE("once disconnected, nothing keeps the loop running that was expected before") {
  auto loop = make_loop();
  std::vector<Job*> arrived;
  Completions completions(*loop, &remember, &arrived);
  completions.expect();
  completions.disconnect();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  CHECK(completions.expected() == 0);
}

TEST_CASE("what is posted to a loop that is gone goes nowhere, and nothing breaks") {
  auto loop = make_loop();
  std::vector<Job*> arrived;
  Completions completions(*loop, &remember, &arrived);
  CHECK(completions.alive());
  completions.expect();
  loop.reset();
  CHECK_FALSE(completions.alive());
  Job job;
  CHECK(completions.post(job));
  completions.notify();
  CHECK(arrived.empty());
}
