#include "python/object/class_as_written.h"

#include "python/interpreter.h"

using gevent::ClassAsWritten;
using namespace gevent::testing;

TEST_CASE("class as written: overriding or assigning one of its methods is noticed, and so is undoing that") {
  run(R"(
class Kind:
    def __init__(self): pass
    def act(self): pass
class Quiet(Kind): pass
class Loud(Kind):
    def act(self): pass
class Begins(Kind):
    def __init__(self): pass
)");
  static ClassAsWritten written;
  const Object names = value_of("('act',)"), own = value_of("('__init__',)");
  const Object kind = value_of("Kind"), quiet = value_of("Quiet"), loud = value_of("Loud"), begins = value_of("Begins");
  REQUIRE(written.remember(kind, names, own) == 0);
  for (int i = 0; i < 2; ++i) {
    CHECK(written.holds(kind));
    CHECK(written.holds(quiet));
    CHECK_FALSE(written.holds(loud));
    CHECK(written.holds(begins));  // its own __init__ is a subclass's business
  }
  run("act, Kind.act = Kind.act, print");
  CHECK_FALSE(written.holds(kind));
  CHECK_FALSE(written.holds(quiet));
  run("Kind.act = act");
  CHECK(written.holds(kind));
  CHECK(written.holds(quiet));
  run("init, Kind.__init__ = Kind.__init__, print");
  CHECK_FALSE(written.holds(kind));
  CHECK(written.holds(quiet));
  run("Kind.__init__ = init");
}

TEST_CASE("class as written: what the class does not have cannot be remembered") {
  ClassAsWritten written;
  const Object names = value_of("('nowhere',)"), none = value_of("()"), kind = value_of("int");
  CHECK(written.remember(kind, names, none) == -1);
  CHECK(raised(PyExc_AttributeError));
}
