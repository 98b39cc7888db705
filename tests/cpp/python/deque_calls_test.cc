#include "python/object/deque_calls.h"

#include "python/interpreter.h"

using gevent::DequeCalls;
using namespace gevent::testing;

TEST_CASE("deque calls: they are a deque's own, and know one from its subclasses") {
  REQUIRE(DequeCalls::find() == 0);
  run("from collections import deque\nclass Mine(deque): pass");
  const Object deque = value_of("deque([1])"), mine = value_of("Mine()"), list = value_of("[]");
  CHECK(DequeCalls::is_deque(deque));
  CHECK_FALSE(DequeCalls::is_deque(mine));
  CHECK_FALSE(DequeCalls::is_deque(list));
  const Object item = value_of("'two'");
  const Object done = DequeCalls::append(deque, item);
  CHECK(done != nullptr);
  CHECK(DequeCalls::size(deque) == 2);
  const Object first = DequeCalls::popleft(deque), second = DequeCalls::popleft(deque);
  CHECK(PyLong_AsLong(first) == 1);
  CHECK(second == static_cast<PyObject*>(item));
  const Object none = DequeCalls::popleft(deque);
  CHECK(none == nullptr);
  CHECK(raised(PyExc_IndexError));
}
