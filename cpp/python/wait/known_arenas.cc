#include "python/wait/known_arenas.h"

#include <vector>

#include "base/made_at_load.h"
#include "ipc/shared_semaphore.h"

namespace gevent {
namespace {

const MadeAtLoad<std::vector<std::weak_ptr<SharedArena>>> known_arenas;

template <typename Act>
void with_all_arenas(Act act) {
  for (const std::weak_ptr<SharedArena>& each : known_arenas()) {
    if (const auto arena = each.lock()) act(*arena);
  }
}

}  // namespace

void remember_arena(const std::shared_ptr<SharedArena>& arena) {
  std::erase_if(known_arenas(), [](const std::weak_ptr<SharedArena>& each) { return each.expired(); });
  known_arenas().push_back(arena);
}

void arenas_before_fork() {
  with_all_arenas([](SharedArena& arena) { arena.before_fork(); });
}

void arenas_in_parent() {
  with_all_arenas([](SharedArena& arena) { arena.after_fork_in_parent(); });
}

void arenas_in_child() {
  with_all_arenas([](SharedArena& arena) { arena.after_fork_in_child(); });
}

void leave_all_arenas() noexcept {
  with_all_arenas([](SharedArena& arena) { arena.leave_all(); });
}

void forget_all_lines() noexcept {
  with_all_arenas([](SharedArena& arena) {
    while (SharedSemaphore* const semaphore = arena.waiting.pop_front()) semaphore->forget_line();
  });
}

}  // namespace gevent
