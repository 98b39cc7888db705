// The arenas of shared memory that this process uses, for when it forks or ends.
#pragma once
#include <memory>

#include "ipc/shared_arena.h"

namespace gevent {

// All need the GIL but leave_all_arenas(), which runs when there is no interpreter any more. An arena that nobody uses
// any more is forgotten by itself.
void remember_arena(const std::shared_ptr<SharedArena>& arena);

// In the order of a fork; SharedArena's functions of these names say what for.
void arenas_before_fork();
void arenas_in_parent();
void arenas_in_child();

// The process ends.
void leave_all_arenas() noexcept;
// In a child whose hub was abandoned: those who waited are gone.
void forget_all_lines() noexcept;

}  // namespace gevent
