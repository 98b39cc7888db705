#include "loop/libuv/stat_watch.h"

#include <cstring>
#include <string>
#include <utility>

#include "loop/loop.h"

namespace gevent {

namespace {

// The same as libev's.
constexpr double kDefaultInterval = 5.0;
constexpr double kLeastInterval = 0.1074891;

struct stat attributes_of(const char* path) noexcept {
  struct stat found = {};
  if (::lstat(path, &found) != 0) {
    found = {};
  } else if (found.st_nlink == 0) {
    found.st_nlink = 1;  // 0 means: there is none
  }
  return found;
}

bool same_time(const timespec& one, const timespec& other) noexcept {
  return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

#ifdef __APPLE__
#define GEVENT_STAT_TIME(attributes, which) ((attributes).st_##which##timespec)
#else
#define GEVENT_STAT_TIME(attributes, which) ((attributes).st_##which##tim)
#endif

bool same_file(const struct stat& one, const struct stat& other) noexcept {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino && (one.st_nlink == 0) == (other.st_nlink == 0);
}

bool same(const struct stat& one, const struct stat& other) noexcept {
  return same_file(one, other) && one.st_mode == other.st_mode && one.st_nlink == other.st_nlink &&
         one.st_uid == other.st_uid && one.st_gid == other.st_gid && one.st_rdev == other.st_rdev &&
         one.st_size == other.st_size && same_time(GEVENT_STAT_TIME(one, a), GEVENT_STAT_TIME(other, a)) &&
         same_time(GEVENT_STAT_TIME(one, m), GEVENT_STAT_TIME(other, m)) &&
         same_time(GEVENT_STAT_TIME(one, c), GEVENT_STAT_TIME(other, c));
}

}  // namespace

StatWatch::StatWatch(uv_loop_t& loop, Stat& stat, Changed changed, bool& heard) noexcept
    : loop_(loop), stat_(stat), changed_(changed), heard_(heard), tick_(*stat.loop(), 0, 0, &StatWatch::on_tick, this) {
  if (stat.interval_s != 0 && stat.interval_s < kLeastInterval) stat.interval_s = kLeastInterval;
  const double interval_s = stat.interval_s != 0 ? stat.interval_s : kDefaultInterval;
  stat.attributes = stat.previous = attributes_of(stat.path.c_str());
  tick_.set(interval_s, interval_s);
  tick_.set_ref(false);
  tick_.start();
  listen();
}

StatWatch::~StatWatch() { stop_listening(); }

void StatWatch::look() noexcept {
  const struct stat now = attributes_of(stat_.path.c_str());
  if (same(now, stat_.attributes)) return;
  const bool another = !same_file(now, stat_.attributes);
  stat_.previous = std::exchange(stat_.attributes, now);
  if (another) listen();
  changed_(stat_);
}

void StatWatch::listen() noexcept {
  stop_listening();
  if (stat_.attributes.st_nlink != 0 && listen_to(stat_.path.c_str())) return;
  const std::size_t slash = stat_.path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : stat_.path.substr(0, slash);
  listen_to(folder.c_str());
}

bool StatWatch::listen_to(const char* path) noexcept {
  auto* const events = new uv_fs_event_t;
  if (uv_fs_event_init(&loop_, events) != 0) {
    delete events;
    return false;
  }
  events->data = this;
  events_ = events;
  const auto on_event = [](uv_fs_event_t* its, const char*, int, int) {
    auto* const self = static_cast<StatWatch*>(its->data);
    if (self == nullptr) return;
    self->heard_ = true;
    self->look();
  };
  if (uv_fs_event_start(events, on_event, path, 0) == 0) {
    uv_unref(reinterpret_cast<uv_handle_t*>(events));
    return true;
  }
  stop_listening();
  return false;
}

void StatWatch::stop_listening() noexcept {
  if (events_ == nullptr) return;
  events_->data = nullptr;
  const auto on_closed = [](uv_handle_t* its) { delete reinterpret_cast<uv_fs_event_t*>(its); };
  uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(events_, nullptr)), on_closed);
}

void StatWatch::on_tick(Watcher& watcher, int) noexcept { static_cast<StatWatch*>(watcher.owner)->look(); }

}  // namespace gevent
