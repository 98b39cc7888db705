#include "python/object/hidden_part.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

int alive = 0;

struct Part {
  Part() { ++alive; }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    clear();
    --alive;
  }
  int traverse(visitproc visit, void* arg) {
    Py_VISIT(kept);
    return 0;
  }
  void clear() { Py_CLEAR(kept); }

  PyObject* kept = nullptr;
  double number = 0;
};
using Hidden = HiddenPart<Part>;

void install() {
  if (Hidden::type() != nullptr) return;
  run("class Secretive(Exception): pass");
  const Object type(value_of("Secretive"));
  Hidden::install(reinterpret_cast<PyTypeObject*>(static_cast<PyObject*>(type)));
}

PyObject* keep_itself(PyObject*, PyObject*) {
  const Object it(value_of("secretive"));
  Hidden::of(it).kept = Py_NewRef(it);
  Py_RETURN_NONE;
}

}  // namespace

TEST_CASE("hidden part: each instance has one of its own, for as long as it lives") {
  install();
  {
    const Object one(value_of("Secretive(1)")), other(value_of("Secretive(2)"));
    CHECK(alive == 2);
    CHECK((Hidden::in(one) && Hidden::in(other)));
    Hidden::of(one).number = 1.5;
    CHECK(Hidden::of(other).number == 0);
    CHECK(Hidden::of(one).number == 1.5);
    PyDict_SetItemString(names(), "one", one);
    CHECK(holds("one.args == (1,)"));
    run("one.more = 3\ndel one");
  }
  CHECK(alive == 0);
}

TEST_CASE("hidden part: a cycle through it is collected") {
  install();
  define("keep_itself", keep_itself);
  run("import gc\nsecretive = Secretive()\nkeep_itself()\ndel secretive");
  CHECK(alive == 1);
  run("gc.collect()");
  CHECK(alive == 0);
}

TEST_CASE("hidden part: the class can be combined with others, whose instances have no such part") {
  install();
  run("class Both(Secretive, OSError): pass\nboth = Both(2, 'x')");
  CHECK(alive == 0);
  CHECK_FALSE(Hidden::in(Object(value_of("both"))));
  CHECK(holds("both.errno == 2"));
  run("del both");
}

TEST_CASE("hidden part: an instance cannot become one of another class") {
  install();
  run(R"(
refused = 0
for instance, other in ((Secretive(), Exception), (Exception(), Secretive)):
    try: instance.__class__ = other
    except TypeError: refused += 1
del instance
)");
  CHECK(holds("refused == 2"));
}
