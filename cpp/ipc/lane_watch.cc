#include "ipc/lane_watch.h"

#include <algorithm>
#include <array>

#include "ipc/wake_protocol.h"

namespace gevent {
namespace {

constexpr double kFirstLook = 0.125;
constexpr double kLastLook = std::chrono::duration<double>(wake::kLookAgainMax).count();

}  // namespace

Result<std::unique_ptr<LaneWatch>> LaneWatch::create(Loop& loop) noexcept {
  Result<EdgeSet> edges = EdgeSet::create();
  if (!edges) return edges.error();
  return std::unique_ptr<LaneWatch>(new LaneWatch(loop, std::move(edges).value()));
}

LaneWatch::LaneWatch(Loop& loop, EdgeSet edges) noexcept
    : edges_(std::move(edges)),
      heard_(loop, edges_.fd(), kRead, &LaneWatch::on_rings, this),
      looks_(loop, kFirstLook, 0, &LaneWatch::on_time, this),
      forked_(loop, &LaneWatch::on_fork, this) {
  looks_.set_ref(false);
  forked_.set_ref(false);
  forked_.start();
}

Result<void> LaneWatch::listen(SharedArena& arena, std::uint64_t tag) noexcept {
  const std::optional<std::uint32_t> number = arena.sleeper_number();
  const Lane* const lane = number ? arena.lane_of(*number) : nullptr;
  if (lane == nullptr) return Error(ENOSPC, "no lane");
  return edges_.add(lane->fd(), tag);
}

Result<void> LaneWatch::begin_sleep(const std::shared_ptr<SharedArena>& arena) noexcept {
  const auto same = [&](const Ear& ear) { return ear.arena.lock() == arena; };
  if (std::none_of(ears_.begin(), ears_.end(), same)) {
    forget_dead_arenas();
    Result<void> heard = listen(*arena, next_tag_);
    if (!heard) return heard;
    ears_.push_back({next_tag_++, arena});
  }
  if (sleepers_++ == 0) {
    heard_.start();
    if (!looks_.active()) {
      looks_.set(kFirstLook, 0);
      looks_.start();
    }
  }
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
        if (const std::shared_ptr<SharedArena> arena = ear.arena.lock()) arena->rang();
      }
    }
  } while (count == tags.size());
}

void LaneWatch::on_time(Watcher& watcher, int) noexcept { static_cast<LaneWatch*>(watcher.owner)->look_again(); }

void LaneWatch::look_again() noexcept {
  if (sleepers_ == 0) return;
  for (const Ear& ear : ears_) {
    if (const std::shared_ptr<SharedArena> arena = ear.arena.lock()) arena->look_again();
  }
  looks_.set(std::min(looks_.after_s() * 2, kLastLook), 0);
  looks_.start();
}

void LaneWatch::forget_dead_arenas() noexcept {
  std::erase_if(ears_, [](const Ear& ear) { return ear.arena.expired(); });
}

// The child of a plain os.fork(), where this loop goes on: it must not collect from its parent's set.
void LaneWatch::on_fork(Watcher& watcher, int) noexcept { static_cast<LaneWatch*>(watcher.owner)->listen_again(); }

void LaneWatch::listen_again() noexcept {
  heard_.forget();
  if (!edges_.reset()) return;  // out of descriptors: the timer looks
  forget_dead_arenas();
  for (const Ear& ear : ears_) {
    const std::shared_ptr<SharedArena> arena = ear.arena.lock();
    static_cast<void>(listen(*arena, ear.tag).ok());
    arena->look_again();
  }
  heard_.set(edges_.fd(), kRead);
  if (sleepers_ > 0) heard_.start();
}

}  // namespace gevent
