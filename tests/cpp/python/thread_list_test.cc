#include "python/object/thread_list.h"

#include "python/hub/hub_state.h"
#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

// Looks at a module of the test's own, which is made by begin() and then changed.
bool only_main() {
  const Object module(value_of("module")), dangling(value_of("dangling")), references(value_of("dangling.data"));
  return ThreadList(module, dangling, references).is_only_main_thread(running_greenlet());
}

void begin() {
  run(R"(
import greenlet, weakref
class Thread: pass
main, other = Thread(), Thread()
dangling = weakref.WeakSet([main])
module = {"_active": {id(greenlet.getcurrent()): main}, "_limbo": {}, "_main_thread": main, "_dangling": dangling,
          "_shutdown_locks": set(), "_threading_atexits": []}
)");
}

}  // namespace

TEST_CASE("thread list: the main thread is alone where the module knows no other, and not where it knows one") {
  begin();
  CHECK(only_main());
  for (const char* change : {"module['_active'][1] = other", "module['_limbo'][other] = other", "dangling.add(other)",
                             "module['_active'] = {id(other): main}", "module['_active'] = {id(main): other}",
                             "module['_main_thread'] = other", "module['_shutdown_locks'].add(1)"}) {
    CAPTURE(change);
    begin();
    run(change);
    CHECK_FALSE(only_main());
    CHECK(PyErr_Occurred() == nullptr);
  }
}

TEST_CASE("thread list: where the module has not got what it had, nobody can tell") {
  for (const char* change :
       {"del module['_active']", "del module['_limbo']", "module['_active'] = []", "module['_limbo'] = None",
        "module['_shutdown_locks'] = []", "module['_active'] = {'ident': main}", "module['_dangling'] = set()"}) {
    CAPTURE(change);
    begin();
    run(change);
    CHECK_FALSE(only_main());
    CHECK(PyErr_Occurred() == nullptr);
  }
}

TEST_CASE("thread list: calls at the end, and locks that it waits for, are seen; if in doubt there are calls") {
  begin();
  const Object module(value_of("module")), dangling(value_of("dangling")), references(value_of("dangling.data"));
  const ThreadList list(module, dangling, references);
  CHECK_FALSE(list.has_exit_calls());
  CHECK(list.has_locks_of_threads());
  run("module['_threading_atexits'].append(print)\ndel module['_shutdown_locks']");
  CHECK(list.has_exit_calls());
  CHECK_FALSE(list.has_locks_of_threads());
  run("del module['_threading_atexits']");
  CHECK(list.has_exit_calls());
}
