#include "python/object/saved_stack_cache.h"

#include <Python.h>

#include <cstring>
#include <thread>

#include "python/interpreter.h"
#include "python/native_thread.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

constexpr std::size_t kSize = 2000;  // as a greenlet's stack has

// It is there as soon as there is a hub, unless this Python has an allocator of its own.
bool there_is_none() {
  run("import gevent; gevent.get_hub()");
  return !install_saved_stack_cache();
}

}  // namespace

TEST_CASE("saved stack cache: a block that is given back is what the next one gets") {
  if (there_is_none()) return;
  PyMem_RawFree(PyMem_RawMalloc(kSize));  // now there is one
  const unsigned kept = saved_stacks_kept();
  CHECK(kept > 0);
  void* const block = PyMem_RawMalloc(kSize);
  std::memset(block, 1, kSize);
  CHECK(saved_stacks_kept() == kept - 1);
  PyMem_RawFree(block);
  CHECK(saved_stacks_kept() == kept);
  void* const again = PyMem_RawMalloc(kSize - 1);
  CHECK(again == block);
  PyMem_RawFree(again);
}

TEST_CASE("saved stack cache: other sizes, and blocks that grow, are none of its business") {
  if (there_is_none()) return;
  const unsigned kept = saved_stacks_kept();
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{1000000}})
    PyMem_RawFree(PyMem_RawMalloc(size));
  PyMem_RawFree(nullptr);
  PyMem_RawFree(PyMem_RawRealloc(PyMem_RawCalloc(1, 100), 1000000));
  CHECK(saved_stacks_kept() == kept);
}

TEST_CASE("saved stack cache: greenlets that wait for one another use the same blocks again and again") {
  if (there_is_none()) return;
  const char* const both_wait =
      "from gevent.event import Event\n"
      "def side(mine, other):\n"
      "    for _ in range(20):\n"
      "        mine.wait(); mine.clear(); other.set()\n"
      "a, b = Event(), Event()\n"
      "gs = [gevent.spawn(side, a, b), gevent.spawn(side, b, a)]\n"
      "a.set()\n"
      "gevent.joinall(gs)\n";
  run(both_wait);
  const unsigned kept = saved_stacks_kept();
  CHECK(kept > 0);
  run(both_wait);
  CHECK(saved_stacks_kept() <= kept + 1);
}

TEST_CASE("saved stack cache: a thread without a hub keeps nothing, and frees what others got") {
  if (there_is_none()) return;
  void* const block = PyMem_RawMalloc(kSize);
  unsigned kept = 1;
  std::thread other([&] {
    PyMem_RawFree(block);
    PyMem_RawFree(PyMem_RawMalloc(kSize));
    kept = saved_stacks_kept();
  });
  other.join();
  CHECK(kept == 0);
}

TEST_CASE("saved stack cache: each thread with a hub keeps its own, and nothing after its end") {
  if (there_is_none()) return;
  const unsigned here = saved_stacks_kept();
  unsigned there = 0;
  void* mine = nullptr;
  NativeThread thread([&] {
    run("gevent.get_hub()");
    PyMem_RawFree(PyMem_RawMalloc(kSize));
    there = saved_stacks_kept();
    mine = PyMem_RawMalloc(kSize);
    run("gevent.get_hub().destroy(destroy_loop=True)");
  });
  thread.join();
  CHECK(there > 0);
  CHECK(saved_stacks_kept() == here);
  std::memset(mine, 1, kSize);  // what it had got is still whoever's it was
  PyMem_RawFree(mine);
}

TEST_CASE("saved stack cache: threads never get the same block") {
  if (there_is_none()) return;
  const auto work = [](unsigned char own, bool* torn) {
    for (int rounds = 0; rounds < 20000; ++rounds) {
      auto* const block = static_cast<unsigned char*>(PyMem_RawMalloc(kSize));
      block[kSize - 1] = own;
      *torn |= block[kSize - 1] != own;
      PyMem_RawFree(block);
    }
  };
  bool here_torn = false, there_torn = false;
  NativeThread other([&] {
    run("gevent.get_hub()");
    Py_BEGIN_ALLOW_THREADS;
    work(2, &there_torn);
    Py_END_ALLOW_THREADS;
    run("gevent.get_hub().destroy(destroy_loop=True)");
  });
  work(1, &here_torn);
  other.join();
  CHECK_FALSE((here_torn || there_torn));
}
