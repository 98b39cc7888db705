#include "python/hub/clean_fork.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "python/interpreter.h"
#include "python/pipe.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

Pipe* told = nullptr;  // what the child says

PyObject* abandon_hub = nullptr;

// No bytecode: as what is given to clean_fork() has to be.
PyObject* abandon(PyObject*, PyObject*) {
  const Object done(PyObject_CallNoArgs(abandon_hub));
  if (done == nullptr) return nullptr;
  const Object word = PyUnicode_FromString(PyGC_IsEnabled() == 1 ? "abandon, collecting" : "abandon");
  PyList_Append(PyDict_GetItemString(names(), "clean_fork_order"), word);
  Py_RETURN_NONE;
}

PyObject* fail(PyObject*, PyObject*) {
  ::dup2(told->writing.get(), STDERR_FILENO);
  PyErr_SetString(PyExc_RuntimeError, "on purpose");
  return nullptr;
}

// What the child is to find. Nothing that is thrown leaves it.
int look() noexcept {
  const bool found = holds("clean_fork_order == ['abandon', 'hook'] and gevent.get_hub() is not hub");
  return found && PyGC_IsEnabled() == 1 ? 0 : 1;
}

int status_of(pid_t child) {
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

void begin() {
  static const bool registered = [] {
    abandon_hub = value_of("__import__('gevent._native.hub')._native.hub.abandon_hub");
    run("import os\nclean_fork_order = []\nos.register_at_fork(after_in_child=lambda: "
        "clean_fork_order.append('hook'))");
    return true;
  }();
  static_cast<void>(registered);
  define("abandon", abandon);
  define("fail", fail);
  run("import gevent\nhub = gevent.get_hub()\nclean_fork_order.clear()");
}

}  // namespace

TEST_CASE("clean fork: the child starts over before any hook of the fork runs, and nothing is collected meanwhile") {
  begin();
  const Object function(value_of("abandon"));
  const pid_t child = clean_fork(function);
  if (child == 0) {
    ::alarm(30);
    ::_exit(look());
  }
  REQUIRE(child > 0);
  CHECK(status_of(child) == 0);
  CHECK(holds("clean_fork_order == [] and gevent.get_hub() is hub"));
}

TEST_CASE("clean fork: who does not want garbage collected keeps it so in the child") {
  begin();
  const Object function(value_of("abandon"));
  PyGC_Disable();
  const pid_t child = clean_fork(function);
  if (child == 0) ::_exit(PyGC_IsEnabled());
  PyGC_Enable();
  CHECK(status_of(child) == 0);
}

TEST_CASE("clean fork: a child that cannot start over says why, and ends") {
  begin();
  Pipe pipe;
  told = &pipe;
  const Object function(value_of("fail"));
  const pid_t child = clean_fork(function);
  if (child == 0) ::_exit(0);
  pipe.writing.reset();
  std::string text;
  char piece[256];
  for (ssize_t size; (size = ::read(pipe.reading.get(), piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(size));
  CHECK(text.find("RuntimeError: on purpose") != std::string::npos);
  const int status = status_of(child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 1));
}
