#include "python/hub/thread_end.h"

#include <csignal>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <thread>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "python/forked.h"
#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

bool exits_in_finalizer = false;

// Does `act` when the interpreter is taken down: the module `sys` goes late.
void at_the_end(void (*act)() noexcept) {
  const Object capsule(PyCapsule_New(reinterpret_cast<void*>(act), nullptr, [](PyObject* it) {
    exits_in_finalizer = interpreter_exits();
    reinterpret_cast<void (*)()>(PyCapsule_GetPointer(it, nullptr))();
  }));
  PySys_SetObject("at_the_end", capsule);
}

#ifdef __linux__
std::atomic<pid_t> number = 0;

// Whether the kernel says that the thread sleeps. It has no reason but one: until then it spins.
bool sleeps(pid_t thread) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(thread));
  std::FILE* const file = std::fopen(path, "r");
  if (file == nullptr) return false;
  char text[512] = {};
  const std::size_t size = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  const char* const end = size == 0 ? nullptr : std::strrchr(text, ')');
  return end != nullptr && end[1] == ' ' && end[2] == 'S';
}

// A thread that would end the process, while the interpreter exits: comes back when it sleeps instead.
void terminate_in_a_thread() noexcept {
  std::thread([] {
    number = static_cast<pid_t>(::syscall(SYS_gettid));
    std::terminate();
  }).detach();
  while (number == 0 || !sleeps(number)) std::this_thread::yield();
}
#endif

// The end is what is asked for, and nobody need read of it.
void end_silently() {
  std::signal(SIGABRT, SIG_DFL);
  std::fclose(stderr);
}

bool end_interpreter() {
  PyOS_AfterFork_Child();
  return Py_FinalizeEx() == 0 && exits_in_finalizer;
}

}  // namespace

TEST_CASE("thread end: the interpreter exits while finalizers run, and not before") {
  CHECK_FALSE(interpreter_exits());
  CHECK(in_child([] {
          at_the_end([]() noexcept {});
          return end_interpreter();
        }) == 0);
}

#ifdef __linux__
TEST_CASE(
    "thread end: a thread that cannot go on when the interpreter exits sleeps, and the process ends as it should") {
  sleep_instead_of_terminating_at_exit();  // again: nothing more
  CHECK(in_child([] {
          at_the_end(&terminate_in_a_thread);
          return end_interpreter();
        }) == 0);
}
#endif

TEST_CASE("thread end: until then, and in the main thread, what must end the process does") {
  CHECK(in_child([]() -> bool {
          end_silently();
          std::terminate();
        }) == -SIGABRT);
  CHECK(in_child([]() -> bool {
          end_silently();
          std::thread([] { std::terminate(); }).join();
          return false;
        }) == -SIGABRT);
  CHECK(in_child([] {
          end_silently();
          at_the_end([]() noexcept { std::terminate(); });
          return end_interpreter();
        }) == -SIGABRT);
}
