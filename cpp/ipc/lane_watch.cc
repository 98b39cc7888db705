#include "ipc/lane_watch.h"

#include <algorithm>
#include <array>

namespace gevent {

Result<std::unique_ptr<LaneWatch>> LaneWatch::create(Loop& loop) noexcept {
  Result<EdgeSet> edges = EdgeSet::create();
  if (!edges) return edges.error();
  return std::unique_ptr<LaneWatch>(new LaneWatch(loop, std::move(edges).value()));
}

LaneWatch::LaneWatch(Loop& loop, EdgeSet edges) noexcept
    : edges_(std::move(edges)),
      heard_(loop, edges_.fd(), kRead, &LaneWatch::on_rings, this),
      forked_(loop, &LaneWatch::on_fork, this) {
  forked_.set_ref(false);
  forked_.start();
}

Result<void> LaneWatch::begin_sleep(const std::shared_ptr<SharedArena>& arena, std::size_t lane) noexcept {
  const auto same = [&](const Ear& ear) { return ear.lane == lane && ear.arena.lock() == arena; };
  if (std::none_of(ears_.begin(), ears_.end(), same)) {
    forget_dead_arenas();
    Ear ear{next_tag_++, arena, lane, arena->lanes()[lane].fd()};
    Result<void> added = edges_.add(ear.fd, ear.tag);
    if (!added) return added;
    ears_.push_back(std::move(ear));
  }
  if (sleepers_++ == 0) heard_.start();
  return {};
}

void LaneWatch::end_sleep() noexcept {
  if (--sleepers_ == 0) heard_.stop();
}

void LaneWatch::on_rings(Watcher& watcher, int) noexcept {
  auto* self = static_cast<LaneWatch*>(watcher.owner);
  std::array<std::uint64_t, 16> tags;
  std::size_t count;
  do {
    count = self->edges_.collect(tags);
    for (std::size_t i = 0; i < count; ++i) {
      for (const Ear& ear : self->ears_) {
        if (ear.tag != tags[i]) continue;
        if (const std::shared_ptr<SharedArena> arena = ear.arena.lock()) arena->rang(ear.lane);
      }
    }
  } while (count == tags.size());
}

void LaneWatch::forget_dead_arenas() noexcept {
  std::erase_if(ears_, [](const Ear& ear) { return ear.arena.expired(); });
}

// The child of a plain os.fork(), where this loop goes on: it must not collect from its parent's set.
void LaneWatch::on_fork(Watcher& watcher, int) noexcept { static_cast<LaneWatch*>(watcher.owner)->listen_again(); }

void LaneWatch::listen_again() noexcept {
  heard_.forget();
  if (!edges_.reset()) return;  // out of descriptors: whoever waits with a timeout still gets that
  forget_dead_arenas();
  for (const Ear& ear : ears_) static_cast<void>(edges_.add(ear.fd, ear.tag).ok());
  heard_.set(edges_.fd(), kRead);
  if (sleepers_ > 0) heard_.start();
}

}  // namespace gevent
