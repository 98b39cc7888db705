#include "sync/stock.h"

#include <doctest/doctest.h>

#include "sync/counting_waiter.h"
#include "sync/line_wait.h"

using namespace gevent;
using Next = Stock::Next;

namespace {

// Somebody who stands in one of its lines.
struct Waiting {
  Waiting(Line& line, bool takes = true) {
    wait.enter(line, -1, nullptr, takes);
    waiter.cookie = wait.ticket();
    waiter.gives_back = true;
    line.queue.enqueue(waiter);
  }
  LineWait wait;
  CountingWaiter waiter;
};

}  // namespace

TEST_CASE("stock: without a limit there is always room") {
  Stock stock;
  CHECK_FALSE(stock.limited());
  CHECK(stock.has_room(1'000'000'000));
  CHECK_FALSE(stock.tells_of_put());
  stock.set_limit(Stock::kUnlimited * 2);
  CHECK_FALSE(stock.limited());
  stock.set_limit(2);
  CHECK(stock.limited());
  CHECK(stock.has_room(1));
  CHECK_FALSE(stock.has_room(2));
}

TEST_CASE("stock: as many getters are woken as there are items, the longest waiting first") {
  Stock stock;
  Waiting first(stock.getters), second(stock.getters), third(stock.getters);
  CHECK(stock.tells_of_put());
  stock.note_put(1);
  stock.note_put(2);
  CHECK(first.waiter.woken == 1);
  CHECK(second.waiter.woken == 1);
  CHECK(third.waiter.woken == 0);
}

TEST_CASE("stock: who takes an item in passing sends back the getter who was woken for it") {
  Stock stock;
  Waiting getter(stock.getters);
  stock.note_put(1);
  CHECK(getter.waiter.woken == 1);
  stock.note_taken(0);
  CHECK(getter.waiter.woken == 0);
  CHECK_FALSE(stock.getters.empty());
}

TEST_CASE("stock: who takes an item tells a putter that there is room, and who puts one takes that back") {
  Stock stock;
  stock.set_limit(1);
  Waiting putter(stock.putters);
  stock.note_taken(0);
  CHECK(putter.waiter.woken == 1);
  stock.note_put(1);
  CHECK(putter.waiter.woken == 0);
}

TEST_CASE("stock: a putter that is awake puts if there is room, waits on if not, and gives up when time is over") {
  Stock stock;
  stock.set_limit(1);
  Waiting putter(stock.putters);
  Ticket& ticket = *putter.wait.ticket();
  CHECK(stock.next_of_putter(ticket, 0, true) == Next::kGo);
  CHECK(stock.next_of_putter(ticket, 0, false) == Next::kGo);  // late, but there is room
  CHECK(stock.next_of_putter(ticket, 1, true) == Next::kWait);
  CHECK(stock.next_of_putter(ticket, 1, false) == Next::kTimeOver);
  stock.shut_down();
  CHECK(stock.next_of_putter(ticket, 0, true) == Next::kShutDown);
  ticket.served = true;
  CHECK(stock.next_of_putter(ticket, 1, false) == Next::kServed);
}

TEST_CASE("stock: a getter that is awake takes what there is even after shutdown, and only then hears of it") {
  Stock stock;
  Waiting getter(stock.getters);
  Ticket& ticket = *getter.wait.ticket();
  CHECK(stock.next_of_getter(ticket, 1, true) == Next::kGo);
  CHECK(stock.next_of_getter(ticket, 0, true) == Next::kWait);
  CHECK(stock.next_of_getter(ticket, 0, false) == Next::kTimeOver);
  stock.shut_down();
  CHECK(stock.next_of_getter(ticket, 1, true) == Next::kGo);
  CHECK(stock.next_of_getter(ticket, 0, true) == Next::kShutDown);
  ticket.served = true;
  CHECK(stock.next_of_getter(ticket, 0, true) == Next::kServed);
}

TEST_CASE("stock: in the hub only those on their way are served, and no putter after shutdown") {
  Stock stock;
  stock.set_limit(1);
  Waiting putter(stock.putters), getter(stock.getters);
  CHECK(stock.putter_to_serve() == nullptr);
  CHECK(stock.getter_to_serve() == nullptr);
  stock.tell_putters(0);
  stock.tell_getters(1);
  CHECK(stock.putter_to_serve() == putter.wait.ticket());
  CHECK(stock.getter_to_serve() == getter.wait.ticket());
  stock.shut_down();
  CHECK(stock.putter_to_serve() == nullptr);
  CHECK(stock.getter_to_serve() == getter.wait.ticket());
}

TEST_CASE("stock: the end wakes everybody, whatever there is") {
  Stock stock;
  stock.set_limit(1);
  Waiting putter(stock.putters), getter(stock.getters), looker(stock.getters, false);
  stock.wake_all();
  CHECK(putter.waiter.woken + getter.waiter.woken + looker.waiter.woken == 3);
}

TEST_CASE("stock: joiners are woken when the work on every item is done, and not before") {
  Stock stock;
  CountingWaiter joiner;
  stock.joiners.enqueue(joiner);
  stock.begin_work();
  stock.begin_work();
  CHECK_FALSE(stock.finish_work(1));
  CHECK(joiner.woken == 0);
  CHECK(stock.finish_work(5));
  CHECK(joiner.woken == 1);
  CHECK(stock.unfinished() == 0);
}
