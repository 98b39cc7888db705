#include "ipc/process_table.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#ifdef __linux__
#include <sys/sysmacros.h>
#endif
#if defined(__linux__) && defined(F_OFD_SETLK)
#define GEVENT_LOCKS_OF_DESCRIPTIONS 1
#endif

namespace gevent {
namespace {

constexpr std::uint32_t kLocked = 1u << 31;

unsigned long this_thread() noexcept {
  unsigned long id = 0;
  const pthread_t self = ::pthread_self();
  static_assert(sizeof self <= sizeof id);
  std::memcpy(&id, &self, sizeof self);
  return id;
}

#ifdef GEVENT_LOCKS_OF_DESCRIPTIONS

struct flock byte(std::uint32_t index, int type) noexcept {
  struct flock lock = {};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = index;
  lock.l_len = 1;
  return lock;
}

bool lock_byte(int fd, std::uint32_t index) noexcept {
  struct flock lock = byte(index, F_WRLCK);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

void unlock_byte(int fd, std::uint32_t index) noexcept {
  struct flock lock = byte(index, F_UNLCK);
  ::fcntl(fd, F_OFD_SETLK, &lock);
}

bool byte_is_free(int fd, std::uint32_t index) noexcept {
  struct flock lock = byte(index, F_WRLCK);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

#else

bool lock_byte(int, std::uint32_t) noexcept { return false; }
void unlock_byte(int, std::uint32_t) noexcept {}
bool byte_is_free(int, std::uint32_t) noexcept { return false; }

#endif

}  // namespace

ProcessTable::ProcessTable(std::span<Entry> entries, int fd, bool maker) noexcept
    : entries_(entries.first(std::min<std::size_t>(entries.size(), kMax))), fd_(fd), maker_(maker) {
  struct stat status = {};
  if (::fstat(fd, &status) == 0) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
}

// Somebody may have closed the descriptor behind our back and opened another file, which has no locks of ours.
bool ProcessTable::is_ours() const noexcept {
  struct stat status = {};
  return ::fstat(fd_, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

OwnedFd ProcessTable::open_again() const noexcept {
#ifdef GEVENT_LOCKS_OF_DESCRIPTIONS
  if (is_ours()) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd_);
    return OwnedFd(::open(path, O_RDWR | O_CLOEXEC));
  }
#endif
  return OwnedFd();
}

std::optional<ProcessTable::Claim> ProcessTable::claim(pid_t owner) noexcept {
  OwnedFd lock = open_again();
  for (std::uint32_t index = 0; index < size(); ++index) {
    Entry& entry = entries_[index];
    std::uint32_t nobody = 0;
    if (entry.owner.load(std::memory_order_relaxed) != nobody) continue;
    bool locked = false;
    if (lock) {
      // The lock first, so that whoever sees the entry sees it locked.
      locked = lock_byte(lock.get(), index);
      if (!locked && errno == EAGAIN) continue;
    }
    // Of a child that is to be, the lock tells enough; its id is not known yet.
    const std::uint32_t mark =
        (locked ? kLocked : 0) | static_cast<std::uint32_t>(locked && owner == 0 ? 0 : ::getpid());
    if (!entry.owner.compare_exchange_strong(nobody, mark)) {
      if (locked) unlock_byte(lock.get(), index);
      continue;
    }
    entry.lane.store(0, std::memory_order_relaxed);
    entry.heard.fetch_add(1);  // nobody has rung this owner
    return Claim{index, locked ? std::move(lock) : OwnedFd()};
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ProcessTable::ask() noexcept {
  generation_ = fork_generation();
  index_.reset();
  lock_ = OwnedFd();  // the parent's, in a child that was forked without us
  reserved_.clear();
  if (std::optional<Claim> mine = claim(::getpid())) {
    index_ = mine->index;
    lock_ = std::move(mine->lock);
  }
  return index_;
}

std::optional<std::uint32_t> ProcessTable::reserve_for_child() noexcept {
  std::optional<Claim> childs = claim(0);
  if (!childs) return std::nullopt;
  const std::uint32_t index = childs->index;
  reserved_.push_back({this_thread(), std::move(*childs)});
  return index;
}

void ProcessTable::keep_in_parent() noexcept {
  // Closing our descriptor of it leaves the lock to the child; where there is none, the lock is free.
  std::erase_if(reserved_, [](const ForkedClaim& each) { return each.thread == this_thread(); });
}

void ProcessTable::become_child(bool may_ask) noexcept {
  generation_ = fork_generation();
  index_.reset();
  lock_ = OwnedFd();
  for (ForkedClaim& each : reserved_) {
    if (each.thread != this_thread()) continue;
    index_ = each.claim.index;
    lock_ = std::move(each.claim.lock);
    entries_[*index_].owner.store((lock_ ? kLocked : 0) | static_cast<std::uint32_t>(::getpid()));
  }
  reserved_.clear();
  if (!index_ && may_ask) generation_ = ~std::uint64_t{0};
}

void ProcessTable::leave() noexcept {
  if (const std::optional<std::uint32_t> mine = own()) entries_[*mine].owner.store(0);
  index_.reset();
  lock_ = OwnedFd();
}

bool ProcessTable::gone(std::uint32_t index) const noexcept {
  const std::uint32_t owner = entries_[index].owner.load();
  return (owner & kLocked) != 0 && byte_is_free(fd_, index);
}

bool ProcessTable::dead(std::uint32_t owner, std::uint32_t index) const noexcept {
  if ((owner & kLocked) != 0 && !byte_is_free(fd_, index)) return false;
  const auto pid = static_cast<pid_t>(owner & ~kLocked);
  return pid == 0 || !maps_memory(pid);
}

bool ProcessTable::maps_memory(pid_t pid) const noexcept {
  if (::kill(pid, 0) != 0 && errno == ESRCH) return false;
#ifdef __linux__
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/maps", static_cast<int>(pid));
  std::FILE* const maps = std::fopen(path, "re");
  if (maps == nullptr) return errno != ENOENT;
  bool found = false;
  char* line = nullptr;
  std::size_t room = 0;
  while (!found && ::getline(&line, &room, maps) > 0) {
    unsigned high = 0, low = 0;
    unsigned long inode = 0;
    if (std::sscanf(line, "%*s %*s %*s %x:%x %lu", &high, &low, &inode) != 3) continue;
    found = inode == inode_ && high == major(device_) && low == minor(device_);
  }
  std::free(line);
  std::fclose(maps);
  return found;
#else
  return true;
#endif
}

void ProcessTable::reap(const std::function<void(const Marks&)>& clear) noexcept {
  // Two at once would clear the marks of whoever moves in after the first.
  OwnedFd turn = open_again();
  if (turn ? !lock_byte(turn.get(), kMax) : !maker_) return;
#ifdef GEVENT_LOCKS_OF_DESCRIPTIONS
  if (!turn) return;
#endif
  Marks marks{};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  for (std::uint32_t index = 0; index < size(); ++index) {
    const std::uint32_t owner = entries_[index].owner.load();
    if (owner == 0 || index_ == index || !dead(owner, index)) continue;
    // Unchanged after that: who is dead does not leave, and nobody else clears up now.
    if (entries_[index].owner.load() != owner) continue;
    marks[index / 64] |= std::uint64_t{1} << index % 64;
    found.emplace_back(index, owner);
  }
  if (found.empty()) return;
  clear(marks);
  for (auto [index, owner] : found) entries_[index].owner.compare_exchange_strong(owner, 0);
}

}  // namespace gevent
