#include "loop/signal_table.h"

#include "base/check.h"

namespace gevent {

namespace {

struct Entry {
  const Loop* loop = nullptr;
  int watchers = 0;
  struct sigaction before = {};  // whose signal it was
  struct sigaction engine = {};  // what the engine put there
};

// Global, as the handlers are.
Entry entries[SignalTable::kEnd];

Entry& entry_of(int signum) noexcept {
  GEVENT_CHECK(signum > 0 && signum < SignalTable::kEnd);
  return entries[signum];
}

}  // namespace

bool SignalTable::acquire(const Loop& loop, int signum) noexcept {
  Entry& entry = entry_of(signum);
  if (entry.watchers != 0 && entry.loop != &loop) return false;
  if (entry.watchers++ == 0) {
    entry.loop = &loop;
    ::sigaction(signum, nullptr, &entry.before);
  }
  return true;
}

void SignalTable::installed(int signum) noexcept {
  Entry& entry = entry_of(signum);
  if (entry.watchers == 1) ::sigaction(signum, nullptr, &entry.engine);
}

struct sigaction SignalTable::to_leave_behind(int signum) noexcept {
  const Entry& entry = entry_of(signum);
  struct sigaction current = {};
  ::sigaction(signum, nullptr, &current);
  return current.sa_handler == entry.engine.sa_handler ? entry.before : current;
}

void SignalTable::forget_one(int signum, const struct sigaction& afterwards) noexcept {
  Entry& entry = entry_of(signum);
  GEVENT_CHECK(entry.watchers > 0);
  if (--entry.watchers != 0) return;
  ::sigaction(signum, &afterwards, nullptr);
  entry.loop = nullptr;
}

}  // namespace gevent
