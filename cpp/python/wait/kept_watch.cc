#include "python/wait/kept_watch.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/made_at_load.h"
#include "python/hub/hub_state.h"
#include "python/wait/descriptor_wait.h"

namespace gevent {
namespace {

// After so many in a row is asking first in vain; and so often it is tried all the same.
constexpr std::uint8_t kVainMax = 2;
constexpr std::uint8_t kTryEvery = 32;
// So long a wait trusts that the loop still watches the file that has this number.
constexpr double kTrusted_s = 1.0;
// Above, nothing is kept: the table has a place for each number below.
constexpr int kNumbersMax = 1 << 16;

struct Reading {
  std::shared_ptr<Io> watch;  // who waits has it, too: it may be forgotten meanwhile
  std::uint8_t vain = 0;      // asked without waiting, in a row
  std::uint8_t waits = 0;
};

// By descriptor; guarded by the GIL.
const MadeAtLoad<std::vector<Reading>> all_readings;

Reading* find(int fd) noexcept {
  std::vector<Reading>& all = all_readings();
  const auto index = static_cast<std::size_t>(fd);
  return fd >= 0 && index < all.size() && all[index].watch != nullptr ? &all[index] : nullptr;
}

// The watch, if there was one, watches no more. Whoever waits with it waits on.
std::shared_ptr<Io> forget(int fd) noexcept {
  Reading* const reading = find(fd);
  if (reading == nullptr) return nullptr;
  std::shared_ptr<Io> watch = std::move(reading->watch);
  *reading = Reading();
  watch->stop();  // it may only be at rest
  watch->forget();
  return watch;
}

// nullptr: somebody waits with it already.
std::shared_ptr<Io> watch_of(int fd, Loop& loop) noexcept {
  if (const Reading* known = find(fd); known != nullptr) {
    if (io_in_use(*known->watch)) return nullptr;
    if (known->watch->loop() == &loop) return known->watch;
  }
  forget(fd);  // of another loop
  std::vector<Reading>& all = all_readings();
  const auto index = static_cast<std::size_t>(fd);
  if (index >= all.size()) all.resize(index < 64 ? 64 : 2 * index);
  all[index].watch = std::make_shared<Io>(loop, fd, kRead, nullptr, nullptr);
  return all[index].watch;
}

}  // namespace

bool is_better_to_wait_first(int fd) noexcept {
  Reading* const reading = find(fd);
  if (reading == nullptr || reading->vain < kVainMax || ++reading->waits % kTryEvery == 0) return false;
  const HubState* const hub = hub_state();
  return hub != nullptr && hub->loop == reading->watch->loop() && !in_hub();
}

void has_asked(int fd, bool found_something) noexcept {
  Reading* const reading = find(fd);
  if (reading == nullptr) return;
  if (found_something) {
    reading->vain = 0;
  } else if (reading->vain < kVainMax) {
    ++reading->vain;
  }
}

Parked wait_to_read(int fd) noexcept {
  const HubState* const hub = hub_state_with_loop();
  const bool can_keep = hub != nullptr && fd >= 0 && fd < kNumbersMax;
  const std::shared_ptr<Io> watch = can_keep ? watch_of(fd, *hub->loop) : nullptr;
  if (watch == nullptr) return wait_for_descriptor(fd, kRead, -1);
  const Parked parked = park_on(*watch, kTrusted_s);
  if (parked != kTimedOut) return parked;
  forget(fd);
  return wait_for_descriptor(fd, kRead, -1);
}

void end_kept_watch(int fd) noexcept {
  const std::shared_ptr<Io> watch = forget(fd);
  if (watch == nullptr || !io_in_use(*watch)) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject* const error = PyObject_CallFunction(PyExc_OSError, "is", EBADF, std::strerror(EBADF));
  if (error == nullptr) {
    PyErr_Clear();
    wake_io(*watch);
  } else {
    fail_io(*watch, error);
    Py_DECREF(error);
  }
  PyErr_Restore(type, value, traceback);
}

void look_again_at_kept_watch(int fd) noexcept {
  if (const Reading* reading = find(fd); reading != nullptr) wake_io(*reading->watch);
}

void forget_kept_watches() noexcept { all_readings().clear(); }

}  // namespace gevent
