#include "python/wait/kept_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <span>

#include "python/interpreter.h"
#include "python/pipe.h"
#include "python/wait/descriptor_wait.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

int watched = -1;

PyObject* wait_again(PyObject*, PyObject*) {
  const Parked parked = wait_to_read(watched);
  return parked == kFailed ? nullptr : PyLong_FromLong(parked);
}
PyObject* about_to_close(PyObject*, PyObject*) {
  end_descriptor_waits(watched);
  Py_RETURN_NONE;
}
PyObject* look_again(PyObject*, PyObject*) {
  look_again_at_descriptor(watched);
  Py_RETURN_NONE;
}

// One that is closed as it should be.
struct WatchedPipe : Pipe {
  ~WatchedPipe() { end_descriptor_waits(watched); }
};

void begin(const Pipe& pipe) {
  watched = pipe.reading.get();
  define("wait_again", wait_again);
  define("about_to_close", about_to_close);
  define("look_again", look_again);
  run(R"(
import errno, gevent, time
def spawned():
    made = gevent.spawn(wait_again)
    gevent.sleep(0)
    return made
)");
}

void wait_once(const Pipe& pipe) {
  run("waiting = spawned()");
  pipe.put();
  run("waiting.join(30)");
  CHECK(holds("waiting.value == 1"));
  char byte;
  REQUIRE(::read(pipe.reading.get(), &byte, 1) == 1);
}

// Another file takes the place of the one that is watched, without a word.
void replace_by(const Pipe& other) { REQUIRE(::dup2(other.reading.get(), watched) == watched); }

}  // namespace

TEST_CASE("kept watch: each wait ends with what comes, and any number of greenlets may wait") {
  const WatchedPipe pipe;
  begin(pipe);
  for (int i = 0; i < 3; ++i) wait_once(pipe);
  run("waiting = [spawned() for _ in range(3)]");
  pipe.put();
  run("gevent.joinall(waiting, timeout=30)");
  CHECK(holds("[each.value for each in waiting] == [1, 1, 1]"));
}

TEST_CASE("kept watch: what comes while nobody waits is there for the next wait") {
  const WatchedPipe pipe;
  begin(pipe);
  wait_once(pipe);
  pipe.put();
  run("for _ in range(3): gevent.sleep(0.001)");
  CHECK(holds("wait_again() == 1"));
}

TEST_CASE("kept watch: closing ends the wait with an error, and the number is another file's") {
  WatchedPipe pipe;
  begin(pipe);
  wait_once(pipe);
  run(R"(
def code():
    try: wait_again()
    except OSError as error: return error.errno
waiting = gevent.spawn(code)
gevent.sleep(0)
about_to_close()
waiting.join(30)
)");
  CHECK(holds("waiting.value == errno.EBADF"));
  const Pipe other;
  pipe.reading.reset();
  replace_by(other);
  run("waiting = spawned()\nbegin = time.monotonic()");
  other.put();
  run("waiting.join(30)");
  CHECK(holds("waiting.value == 1 and time.monotonic() - begin < 0.9"));
  ::close(watched);
}

TEST_CASE("kept watch: a file that takes the place of another without a word is heard of") {
  const WatchedPipe pipe;
  begin(pipe);
  wait_once(pipe);
  const Pipe other;
  replace_by(other);
  run("waiting = spawned()");
  other.put();
  run("waiting.join(30)");
  CHECK(holds("waiting.value == 1"));
}

TEST_CASE("kept watch: who waits may be asked to look again") {
  const WatchedPipe pipe;
  begin(pipe);
  wait_once(pipe);
  run("waiting = spawned()\nlook_again()\nwaiting.join(30)");
  CHECK(holds("waiting.value == 1"));
}

TEST_CASE("kept watch: who has asked in vain waits first, and no more once something was there") {
  const WatchedPipe pipe;
  begin(pipe);
  const int fd = pipe.reading.get();
  has_asked(fd, false);
  has_asked(fd, false);
  CHECK(!is_better_to_wait_first(fd));  // nobody has ever waited
  wait_once(pipe);
  has_asked(fd, false);
  CHECK(!is_better_to_wait_first(fd));
  has_asked(fd, false);
  CHECK(is_better_to_wait_first(fd));
  bool asked_again = false;
  for (int i = 0; i < 40; ++i) asked_again = asked_again || !is_better_to_wait_first(fd);
  CHECK(asked_again);
  has_asked(fd, true);
  CHECK(!is_better_to_wait_first(fd));
}

TEST_CASE("kept watch: nobody waits first where somebody else finds something again and again") {
  const WatchedPipe pipe;
  begin(pipe);
  const int fd = pipe.reading.get();
  wait_once(pipe);
  has_asked(fd, false);
  has_asked(fd, false);
  CHECK(is_better_to_wait_first(fd));
  pipe.put();
  AwaitedDescriptor seen{fd, kRead};
  REQUIRE(wait_for_any(std::span(&seen, 1), -1) == kWoken);
  CHECK(seen.ready);
  CHECK(!is_better_to_wait_first(fd));
}
