#include "python/object/type_version.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("type version: a change of a class or of its bases takes its number away, or gives it another") {
  run("class Base: x = 1\nclass Kind(Base): pass\nKind.x");
  const Object kind = value_of("Kind");
  CHECK(holds("Kind.x == 1"));  // looking gives a number
  const unsigned int before = version_of(static_cast<PyObject*>(kind));
  CHECK(before != 0);
  CHECK(version_of(static_cast<PyObject*>(kind)) == before);
  run("Base.x = 2");
  CHECK(version_of(static_cast<PyObject*>(kind)) != before);
}
