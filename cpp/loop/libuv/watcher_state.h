// What this engine keeps in each watcher's slot.
#pragma once
#include <atomic>
#include <cstdint>
#include <new>

#include "loop/watcher.h"

namespace gevent {

class StatWatch;

// All zeros: a watcher that was never started.
struct WatcherState {
  std::uint32_t pending;  // its place among the pending events of its priority, plus 1; 0: none
  bool active;
  bool sent;  // Async: send() was called; see sent_flag()
  union {
    struct {  // Io: as it was started, because Io::set() may be called before the engine hears of it again
      Io* next;
      Io* previous;
      int fd;
      int events;
    } io;
    struct {  // Timer
      double at;
      std::size_t index;  // in the heap, plus 1
    } timer;
    std::size_t index;  // all kinds that are kept in a WatcherList: its place there
    StatWatch* stat;
  };
};
static_assert(sizeof(WatcherState) <= sizeof(Watcher::slot) && alignof(WatcherState) <= alignof(std::uint64_t));

inline WatcherState& state_of(Watcher& watcher) noexcept {
  return *std::launder(reinterpret_cast<WatcherState*>(watcher.slot));
}
inline const WatcherState& state_of(const Watcher& watcher) noexcept { return state_of(const_cast<Watcher&>(watcher)); }

// The one part that other threads touch.
inline std::atomic_ref<bool> sent_flag(Async& async) noexcept { return std::atomic_ref<bool>(state_of(async).sent); }

}  // namespace gevent
