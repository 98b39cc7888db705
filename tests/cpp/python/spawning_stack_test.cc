#include "python/object/spawning_stack.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

PyObject* stack_here(int depth_max) {
  SpawningStack stack;
  stack.capture(depth_max);
  return stack.describe();
}
PyObject* whole_stack(PyObject*, PyObject*) { return stack_here(SpawningStack::kDepthMax); }
PyObject* short_stack(PyObject*, PyObject*) { return stack_here(2); }

void define_all() {
  define("whole_stack", whole_stack);
  define("short_stack", short_stack);
  run(R"(
def inner(look):
    return look()
def outer(look):

    return inner(look)
def deep(depth):
    return deep(depth - 1) if depth else whole_stack()
)");
}

}  // namespace

TEST_CASE("spawning stack: the innermost frames come first, with the lines that they are at") {
  define_all();
  run("found = outer(whole_stack)");
  CHECK(holds("[(code.co_name, line) for code, line in found[:2]] == [('inner', 3), ('outer', 6)]"));
  CHECK(holds("found[2][0].co_name == '<module>'"));
}

TEST_CASE("spawning stack: no more than asked for, nor than there is room for") {
  define_all();
  CHECK(holds("[code.co_name for code, _ in outer(short_stack)] == ['inner', 'outer']"));
  CHECK(holds("[code.co_name for code, _ in deep(30)] == ['deep'] * 10"));
}

TEST_CASE("spawning stack: code is kept as long as the stack, and no longer") {
  run("import sys\ncode = compile('look()', 'x', 'exec')");
  const Object code(value_of("code"));
  const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(code));
  static SpawningStack stack;
  define("look", [](PyObject*, PyObject*) -> PyObject* {
    stack.capture(1);
    Py_RETURN_NONE;
  });
  run("exec(code)");
  CHECK(Py_REFCNT(static_cast<PyObject*>(code)) == references + 1);
  stack.clear();
  CHECK(Py_REFCNT(static_cast<PyObject*>(code)) == references);
}

TEST_CASE("spawning stack: tracking can be switched off") {
  CHECK(spawning_is_tracked());
  track_spawning(false);
  CHECK(holds("__import__('gevent').Greenlet(id).spawning_greenlet is None"));
  track_spawning(true);
  CHECK(holds("__import__('gevent').Greenlet(id).spawning_greenlet is not None"));
}
