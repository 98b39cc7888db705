#include "python/object/thrown.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

// What exception_of() makes of the tuple that `expression` is, as `error` in Python. False: it raised.
bool make(const char* expression) {
  const Object throw_args(value_of(expression));
  const Object error(exception_of(throw_args));
  if (error == nullptr) return false;
  PyDict_SetItemString(names(), "error", error);
  return true;
}

}  // namespace

TEST_CASE("thrown: whatever may be raised becomes what would be raised") {
  run("from greenlet import GreenletExit\nown = KeyError('x')");
  CHECK((make("()") && holds("type(error) is GreenletExit")));
  CHECK((make("(own,)") && holds("error is own")));
  CHECK((make("(ValueError,)") && holds("type(error) is ValueError and error.args == ()")));
  CHECK((make("(ValueError, None, None)") && holds("error.args == ()")));
  CHECK((make("(ValueError, 1)") && holds("error.args == (1,)")));
  CHECK((make("(ValueError, (1, 2))") && holds("error.args == (1, 2)")));
  CHECK((make("(LookupError, own)") && holds("error is own")));
}

TEST_CASE("thrown: the traceback goes with it") {
  run(R"(
try: 1 / 0
except ZeroDivisionError as caught: traceback = caught.__traceback__
)");
  CHECK((make("(ValueError, 'x', traceback)") && holds("error.__traceback__ is traceback")));
  CHECK_FALSE(make("(ValueError, 'x', 'no traceback')"));
  CHECK(raised(PyExc_TypeError));
}

TEST_CASE("thrown: what cannot be raised is a TypeError that says what it was") {
  CHECK((make("('words',)") && holds("type(error) is TypeError and 'not str' in str(error)")));
  CHECK((make("(int, 1)") && holds("type(error) is TypeError")));
  run("class Odd(Exception):\n    def __new__(cls): return 3");
  CHECK((make("(Odd,)") && holds("type(error) is TypeError and 'int' in str(error)")));
}

TEST_CASE("thrown: the exception of a class that makes none is the caller's") {
  run("class Failing(Exception):\n    def __init__(self): raise LookupError");
  CHECK_FALSE(make("(Failing,)"));
  CHECK(raised(PyExc_LookupError));
}
