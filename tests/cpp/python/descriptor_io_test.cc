#include "python/wait/descriptor_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "python/interpreter.h"
#include "python/pipe.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

DescriptorIo* io = nullptr;  // on the heap, since greenlets use it: their C stacks are copied away
int fd = -1;
std::string large(1 << 20, 'l');

PyObject* size_of(Py_ssize_t count) { return count < 0 ? nullptr : PyLong_FromSsize_t(count); }
PyObject* read_some(PyObject*, PyObject*) { return io->read_some(100); }
PyObject* read_all(PyObject*, PyObject*) { return io->read_all(); }
PyObject* write_large(PyObject*, PyObject*) { return size_of(io->write(large.data(), large.size())); }
PyObject* end(PyObject*, PyObject*) {
  io->end();
  Py_RETURN_NONE;
}
PyObject* read_beside(PyObject*, PyObject*) { return read_beside_others(fd, 100); }
PyObject* write_beside(PyObject*, PyObject*) {
  return size_of(write_beside_others(fd, large.data(), static_cast<Py_ssize_t>(large.size())));
}

void begin(DescriptorIo* its = nullptr) {
  io = its;
  define("read_some", read_some);
  define("read_all", read_all);
  define("write_large", write_large);
  define("end", end);
  define("read_beside", read_beside);
  define("write_beside", write_beside);
  run(R"(
import gevent
def outcome(call):
    try: return call()
    except (OSError, ValueError) as error: return type(error), getattr(error, "errno", None)
def spawned(call):
    made = gevent.spawn(outcome, call)
    gevent.sleep(0)
    return made
)");
}

bool is_nonblocking(int of) { return (::fcntl(of, F_GETFL) & O_NONBLOCK) != 0; }

// Takes everything out of a pipe that does not block; how much that was.
std::size_t drain(int from) {
  std::array<char, 4096> piece;
  std::size_t total = 0;
  for (ssize_t count; (count = ::read(from, piece.data(), piece.size())) > 0;) total += static_cast<std::size_t>(count);
  return total;
}

}  // namespace

TEST_CASE("descriptor io: a read waits until there is something, and has what there is") {
  for (const bool stays_blocking : {false, true}) {
    const Pipe pipe;
    const auto reading = std::make_unique<DescriptorIo>();
    REQUIRE(reading->open(pipe.reading.get(), stays_blocking) == 0);
    CHECK(is_nonblocking(pipe.reading.get()) != stays_blocking);
    begin(reading.get());
    run("waiting = spawned(read_some)");
    CHECK_FALSE(holds("waiting.ready()"));
    pipe.put();
    run("waiting.join(30)");
    CHECK(holds("waiting.value == b'x'"));
  }
}

TEST_CASE("descriptor io: all is read up to the end, in a few pieces or in many") {
  Pipe pipe;
  const auto reading = std::make_unique<DescriptorIo>(), writing = std::make_unique<DescriptorIo>();
  REQUIRE((reading->open(pipe.reading.get(), false) == 0 && writing->open(pipe.writing.get(), false) == 0));
  begin(reading.get());
  run("waiting = spawned(read_all)");
  for (std::size_t sent = 0; sent < large.size();) {
    const Py_ssize_t count = writing->write(large.data() + sent, large.size() - sent);
    REQUIRE(count > 0);
    sent += static_cast<std::size_t>(count);
  }
  REQUIRE(writing->write("x", 1) == 1);
  writing->end();
  pipe.writing.reset();
  run("waiting.join(30)");
  CHECK(holds("waiting.value == b'l' * (1 << 20) + b'x'"));
  CHECK(holds("outcome(read_all) == b'' and outcome(read_some) == b''"));
}

TEST_CASE("descriptor io: a write takes what fits, and waits until some does") {
  for (const bool stays_blocking : {false, true}) {
    const Pipe pipe;
    REQUIRE(make_nonblocking(pipe.reading.get()) >= 0);
    const auto writing = std::make_unique<DescriptorIo>();
    REQUIRE(writing->open(pipe.writing.get(), stays_blocking) == 0);
    begin(writing.get());
    run("first = outcome(write_large)\nwaiting = spawned(write_large)");
    CHECK(holds("0 < first < (1 << 20) and not waiting.ready()"));
    const Object first(value_of("first"));
    CHECK(drain(pipe.reading.get()) == PyLong_AsSize_t(first));
    run("waiting.join(30)");
    CHECK(holds("waiting.value > 0"));
  }
}

TEST_CASE("descriptor io: at its end those who wait fail, and so does what comes later") {
  const Pipe pipe;
  const auto reading = std::make_unique<DescriptorIo>();
  REQUIRE(reading->open(pipe.reading.get(), false) == 0);
  begin(reading.get());
  run("waiting = [spawned(read_some), spawned(read_all)]\nend()\ngevent.joinall(waiting, timeout=30)");
  CHECK(holds("[each.value for each in waiting] == [(OSError, 9)] * 2"));
  CHECK((reading->ended() && reading->fd() == -1));
  CHECK(raised(PyExc_ValueError));
  CHECK(holds("outcome(read_some) == (ValueError, None)"));
  CHECK((reading->is_terminal() == -1 && raised(PyExc_ValueError)));
  CHECK((reading->has_position() == -1 && raised(PyExc_ValueError)));
  CHECK((reading->seek(0, SEEK_SET) == -1 && raised(PyExc_ValueError)));
  reading->end();  // again does nothing
}

TEST_CASE("descriptor io: one who is killed while waiting takes nothing, and the next one goes on") {
  const Pipe pipe;
  const auto reading = std::make_unique<DescriptorIo>();
  REQUIRE(reading->open(pipe.reading.get(), false) == 0);
  begin(reading.get());
  run("killed, waiting = spawned(read_all), spawned(read_some)\nkilled.kill(timeout=30)");
  pipe.put();
  run("waiting.join(30)");
  CHECK(holds("waiting.value == b'x'"));
}

TEST_CASE("descriptor io: a file on a disk has a position, is no terminal and is read without waiting") {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  const auto both = std::make_unique<DescriptorIo>();
  REQUIRE(both->open(::fileno(file), false) == 0);
  CHECK(both->write("abc", 3) == 3);
  CHECK((both->seek(1, SEEK_SET) == 1 && both->has_position() == 1 && both->is_terminal() == 0));
  begin(both.get());
  CHECK(holds("outcome(read_all) == b'bc'"));
  CHECK((both->seek(-1, SEEK_SET) == -1 && raised(PyExc_OSError)));
  std::fclose(file);
}

TEST_CASE("descriptor io: what is no open descriptor is refused, and a pipe has no position") {
  const auto none = std::make_unique<DescriptorIo>(), reading = std::make_unique<DescriptorIo>();
  CHECK(none->open(-1, false) == -1);
  CHECK(raised(PyExc_OSError));
  CHECK(none->ended());
  const Pipe pipe;
  REQUIRE(reading->open(pipe.reading.get(), false) == 0);
  CHECK((reading->has_position() == 0 && reading->seek(0, SEEK_CUR) == -1));
  CHECK(raised(PyExc_OSError));
}

TEST_CASE("descriptor io: a blocking pipe is read and written beside others, all of what is written") {
  const Pipe pipe;
  begin();
  CHECK(would_stop_others(pipe.reading.get()));
  fd = pipe.reading.get();
  run("waiting = spawned(read_beside)");
  CHECK_FALSE(holds("waiting.ready()"));
  pipe.put();
  run("waiting.join(30)");
  CHECK(holds("waiting.value == b'x'"));
  CHECK_FALSE(is_nonblocking(fd));
  fd = pipe.writing.get();
  run("waiting = spawned(write_beside)");
  REQUIRE(make_nonblocking(pipe.reading.get()) >= 0);
  std::size_t total = 0;
  while (total < large.size()) {
    total += drain(pipe.reading.get());
    run("gevent.sleep(0)");
  }
  run("waiting.join(30)");
  CHECK(holds("waiting.value == 1 << 20"));
  CHECK_FALSE(would_stop_others(pipe.reading.get()));  // it does not block any more
  CHECK_FALSE(would_stop_others(-1));
}
