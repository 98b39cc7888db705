#include "sync/life.h"

#include <doctest/doctest.h>

#include <functional>
#include <utility>

#include "sync/counting_waiter.h"

namespace gevent {
namespace {

// Does something when it is told.
struct Acting final : Waiter {
  explicit Acting(std::function<void()> what) : act(std::move(what)) {}
  void wake() noexcept override { act(); }
  std::function<void()> act;
};

TEST_CASE("a life goes on from its start to its end") {
  Life life;
  CHECK(life.phase() == Life::Phase::kNew);
  CHECK_FALSE((life.goes_on() || life.is_over()));
  life.queue();
  CHECK(life.goes_on());
  life.begin();
  CHECK(life.goes_on());
  life.end();
  CHECK((life.is_over() && !life.goes_on()));
}

TEST_CASE("one that never begins is over all the same") {
  Life life;
  life.delay();
  CHECK(life.phase() == Life::Phase::kDelayed);
  life.end();
  CHECK(life.is_over());
}

TEST_CASE("nobody is told where nobody waits, and those who wait are told once") {
  Life life;
  life.end();
  CHECK_FALSE(life.has_to_tell());
  CountingWaiter first, second;
  life.line.enqueue(first);
  life.line.enqueue(second);
  CHECK(life.has_to_tell());
  CHECK_FALSE(life.has_to_tell());
  CHECK(first.woken == 0);
  life.tell();
  CHECK((first.woken == 1 && second.woken == 1));
}

TEST_CASE("who joins while the others are told has to wait for the next turn") {
  Life life;
  CountingWaiter late;
  Acting first([&] { life.line.enqueue(late); });
  life.line.enqueue(first);
  life.end();
  CHECK(life.has_to_tell());
  life.tell();
  CHECK(late.woken == 0);
  CHECK(life.has_to_tell());
  life.tell();
  CHECK(late.woken == 1);
  CHECK_FALSE(life.has_to_tell());
}

TEST_CASE("who leaves while the others are told hears nothing") {
  Life life;
  CountingWaiter leaving;
  Acting first([&] { leaving.unlink(); });
  life.line.enqueue(first);
  life.line.enqueue(leaving);
  life.end();
  CHECK(life.has_to_tell());
  life.tell();
  CHECK(leaving.woken == 0);
}

TEST_CASE("who joins while somebody is about to tell is told with the others") {
  Life life;
  CountingWaiter first, late;
  life.line.enqueue(first);
  CHECK(life.has_to_tell());
  life.line.enqueue(late);
  CHECK_FALSE(life.has_to_tell());
  life.tell();
  CHECK(late.woken == 1);
}

}  // namespace
}  // namespace gevent
