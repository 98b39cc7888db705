#include "base/intrusive_list.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace gevent;

namespace {

struct Item : ListNode {
  explicit Item(int number) : number(number) {}
  int number;
};

std::vector<int> numbers(IntrusiveList<Item>& list) {
  std::vector<int> found;
  for (Item* item = list.front(); item != nullptr; item = list.after(*item)) found.push_back(item->number);
  return found;
}

}  // namespace

TEST_CASE("items stand in the order in which they came, those in a hurry before them") {
  IntrusiveList<Item> list;
  Item one(1), two(2), hasty(0);
  list.push_back(one);
  list.push_back(two);
  list.push_front(hasty);
  CHECK(numbers(list) == std::vector{0, 1, 2});
}

TEST_CASE("an item that dies leaves the list") {
  IntrusiveList<Item> list;
  Item one(1), three(3);
  auto two = std::make_unique<Item>(2);
  list.push_back(one);
  list.push_back(*two);
  list.push_back(three);
  two.reset();
  CHECK(numbers(list) == std::vector{1, 3});
}

TEST_CASE("a list that dies lets its items go") {
  Item one(1);
  {
    IntrusiveList<Item> list;
    list.push_back(one);
    CHECK(one.linked());
  }
  CHECK_FALSE(one.linked());
}

TEST_CASE("taking the first unlinks it; an empty list has none") {
  IntrusiveList<Item> list;
  Item one(1);
  list.push_back(one);
  CHECK(list.pop_front() == &one);
  CHECK_FALSE(one.linked());
  CHECK(list.pop_front() == nullptr);
  CHECK(list.empty());
}

TEST_CASE("take_all() moves everything behind what is here") {
  IntrusiveList<Item> list, other, nobody;
  Item one(1), two(2), three(3);
  list.push_back(one);
  other.push_back(two);
  other.push_back(three);
  list.take_all(other);
  list.take_all(nobody);
  CHECK(numbers(list) == std::vector{1, 2, 3});
  CHECK(other.empty());
}
