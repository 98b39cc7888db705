#include "python/hub/python_watchers.h"

#include <unistd.h>

#include <cerrno>
#include <memory>

#include "python/object/os_error.h"

#ifdef GEVENT_HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

namespace gevent {

void delete_watcher(Watcher* watcher) noexcept {
  switch (watcher->kind()) {
    case Watcher::Kind::kIo:
      return std::destroy_at(static_cast<Io*>(watcher));
    case Watcher::Kind::kTimer:
      return std::destroy_at(static_cast<Timer*>(watcher));
    case Watcher::Kind::kSignal:
      return delete static_cast<Signal*>(watcher);
    case Watcher::Kind::kAsync:
      return delete static_cast<Async*>(watcher);
    case Watcher::Kind::kChild:
      return delete static_cast<Child*>(watcher);
    case Watcher::Kind::kFork:
      return delete static_cast<Fork*>(watcher);
    case Watcher::Kind::kPrepare:
      return delete static_cast<Prepare*>(watcher);
    case Watcher::Kind::kCheck:
      return delete static_cast<Check*>(watcher);
    case Watcher::Kind::kIdle:
      return delete static_cast<Idle*>(watcher);
    case Watcher::Kind::kStat:
      return delete static_cast<Stat*>(watcher);
    case Watcher::Kind::kEventfd:
#ifdef GEVENT_HAVE_EVENTFD
      return delete static_cast<Eventfd*>(watcher);
#else
      return;
#endif
  }
}

PyObject* owners_of_watchers(Loop& loop, Watcher::Callback callback) noexcept {
  PyObject* const owners = PyList_New(0);
  if (owners == nullptr) return nullptr;
  bool failed = false;
  loop.visit_watchers([&](Watcher& watcher) {
    if (watcher.callback != callback || failed) return;
    failed = PyList_Append(owners, static_cast<PyObject*>(watcher.owner)) != 0;
  });
  if (!failed) return owners;
  Py_DECREF(owners);
  return nullptr;
}

namespace {

#ifdef __APPLE__
#define GEVENT_STAT_TIME(attributes, which) ((attributes).st_##which##timespec)
#else
#define GEVENT_STAT_TIME(attributes, which) ((attributes).st_##which##tim)
#endif

constexpr long long kNanosecondsPerSecond = 1'000'000'000;

long long nanoseconds(const timespec& time) noexcept { return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec; }
// Rounded as os.stat() does it, so that the two can be compared.
double seconds(const timespec& time) noexcept {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

#ifndef GEVENT_HAVE_EVENTFD
void set_no_eventfd() noexcept {
  errno = ENOSYS;
  set_os_error();
}
#endif

}  // namespace

PyObject* stat_result(const struct stat& attributes) noexcept {
  if (attributes.st_nlink == 0) Py_RETURN_NONE;
  static PyObject* type = nullptr;
  if (type == nullptr) {
    PyObject* const os = PyImport_ImportModule("os");
    type = os == nullptr ? nullptr : PyObject_GetAttrString(os, "stat_result");
    Py_XDECREF(os);
    if (type == nullptr) return nullptr;
  }
  const timespec& accessed = GEVENT_STAT_TIME(attributes, a);
  const timespec& modified = GEVENT_STAT_TIME(attributes, m);
  const timespec& changed = GEVENT_STAT_TIME(attributes, c);
  // The order of os.stat_result: whole seconds three times, then as fractions, then in nanoseconds.
  return PyObject_CallFunction(
      type, "((KKKKKKLLLLdddLLLKKK))", static_cast<unsigned long long>(attributes.st_mode),
      static_cast<unsigned long long>(attributes.st_ino), static_cast<unsigned long long>(attributes.st_dev),
      static_cast<unsigned long long>(attributes.st_nlink), static_cast<unsigned long long>(attributes.st_uid),
      static_cast<unsigned long long>(attributes.st_gid), static_cast<long long>(attributes.st_size),
      static_cast<long long>(accessed.tv_sec), static_cast<long long>(modified.tv_sec),
      static_cast<long long>(changed.tv_sec), seconds(accessed), seconds(modified), seconds(changed),
      nanoseconds(accessed), nanoseconds(modified), nanoseconds(changed),
      static_cast<unsigned long long>(attributes.st_blksize), static_cast<unsigned long long>(attributes.st_blocks),
      static_cast<unsigned long long>(attributes.st_rdev));
}

#ifdef GEVENT_HAVE_EVENTFD

int make_eventfd(unsigned initial, bool semaphore) noexcept {
  const int fd = ::eventfd(initial, EFD_CLOEXEC | EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0));
  if (fd < 0) PyErr_SetFromErrno(PyExc_OSError);
  return fd;
}

Watcher* make_eventfd_watcher(Loop& loop, int fd, Watcher::Callback callback, void* owner) noexcept {
  return new Eventfd(loop, fd, callback, owner);
}

std::uint64_t eventfd_value(const Watcher& watcher) noexcept { return static_cast<const Eventfd&>(watcher).value; }

void forget_eventfd(Watcher& watcher) noexcept { static_cast<Eventfd&>(watcher).forget(); }

int add_to_eventfd(int fd, std::uint64_t amount) noexcept {
  return ::write(fd, &amount, sizeof amount) == sizeof amount ? 0 : set_os_error();
}

#else

int make_eventfd(unsigned, bool) noexcept { return set_no_eventfd(), -1; }
Watcher* make_eventfd_watcher(Loop&, int, Watcher::Callback, void*) noexcept { return set_no_eventfd(), nullptr; }
std::uint64_t eventfd_value(const Watcher&) noexcept { return 0; }
void forget_eventfd(Watcher&) noexcept {}
int add_to_eventfd(int, std::uint64_t) noexcept { return set_no_eventfd(), -1; }

#endif

}  // namespace gevent
