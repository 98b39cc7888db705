#include "python/object/instance_dict.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("instance dict: another dictionary takes the place of the one there was, which lives on") {
  run("from gevent.local import local\nclass Own(local): pass\nown = Own()\nown.x = 1");
  const Object own(value_of("own")), values(value_of("{'x': 2}"));
  const Object before(dict_in_place(own));
  const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(before));
  put_dict(own, values);
  CHECK(holds("own.x == 2"));
  CHECK(Py_REFCNT(static_cast<PyObject*>(before)) == references - 1);
  const Object now(dict_in_place(own));
  CHECK(static_cast<PyObject*>(now) == static_cast<PyObject*>(values));
  put_dict(own, before);
  CHECK(holds("own.x == 1"));
  run("del own");
}
