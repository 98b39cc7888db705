#include "python/object/type_name.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("type name: a native class says that it is where users find it") {
  static PyTypeObject type = [] {
    PyTypeObject made{};
    made.tp_name = "somewhere._private.Thing";
    made.tp_basicsize = sizeof(PyObject);
    made.tp_flags = Py_TPFLAGS_DEFAULT;
    return made;
  }();
  REQUIRE(PyType_Ready(&type) == 0);
  publish(reinterpret_cast<PyObject*>(&type), "gevent.thing.Thing");
  PyDict_SetItemString(names(), "Thing", reinterpret_cast<PyObject*>(&type));
  CHECK(holds("repr(Thing) == \"<class 'gevent.thing.Thing'>\" and Thing.__name__ == 'Thing'"));
}
