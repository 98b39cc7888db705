#include "python/object/native_class.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("native class: an instance is made without being initialized") {
  run("class Counted(list):\n    made = 0\n    def __init__(self): Counted.made += 1");
  const Object cls(value_of("Counted")), made(new_instance(cls));
  REQUIRE(static_cast<PyObject*>(made) != nullptr);
  CHECK(Py_IS_TYPE(static_cast<PyObject*>(made), reinterpret_cast<PyTypeObject*>(static_cast<PyObject*>(cls))));
  CHECK(holds("Counted.made == 0"));
}

TEST_CASE("native class: a method of the base becomes one of the class's own") {
  run("class Derived(list): pass");
  const Object cls(value_of("Derived")), method(value_of("list.append")), own(method_of(cls, method));
  REQUIRE(static_cast<PyObject*>(own) != nullptr);
  PyObject_SetAttrString(cls, "append", own);
  run("derived = Derived()\nderived.append(1)");
  CHECK(holds("'append' in vars(Derived) and derived == [1] and Derived.append.__objclass__ is Derived"));
}
