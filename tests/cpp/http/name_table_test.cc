#include "http/name_table.h"

#include <doctest/doctest.h>

namespace gevent::http {

TEST_CASE("a name has the number that it was added with, and a full table takes no more") {
  NameTable names(100);
  for (int i = 0; i < 100; ++i) {
    CHECK(names.find("name" + std::to_string(i)) == NameTable::kUnknown);
    CHECK(names.add("name" + std::to_string(i)) == i);
  }
  CHECK(names.add("one more") == NameTable::kUnknown);
  for (int i = 0; i < 100; ++i) CHECK(names.find("name" + std::to_string(i)) == i);
  CHECK(names.find("Name1") == NameTable::kUnknown);
}

}  // namespace gevent::http
