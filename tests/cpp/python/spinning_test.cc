#include "python/wait/spinning.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

PyObject* look(PyObject*, PyObject*) {
  if (looked_in_vain() < 0) return nullptr;
  Py_RETURN_NONE;
}

}  // namespace

TEST_CASE("spinning: who looks in vain again and again lets others run in the end") {
  define("look", look);
  run(R"(
import gevent
done = []
other = gevent.spawn(done.append, True)
looks = 0
while not done and looks < 100000: look(); looks += 1
)");
  CHECK(holds("done == [True]"));
  const Object looks = value_of("looks");
  CHECK(PyLong_AsLong(looks) <= static_cast<long>(kPatience));
}

TEST_CASE("spinning: looks of our own do not count, and neither do those before a switch") {
  forget_looks();
  const unsigned before = looks_left;
  CHECK(looked_in_vain() == 0);
  CHECK(looks_left == before - 1);
  take_back_look();
  CHECK(looks_left == before);
  CHECK(looked_in_vain() == 0);
  forget_looks();
  CHECK(looks_left == kPatience);
}
