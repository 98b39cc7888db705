#include "ipc/errand.h"

#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace gevent {
namespace {

// So much of a message is moved before it is another's turn.
constexpr std::size_t kBytesPerTurn = std::size_t{1} << 20;

std::optional<Lane> make_bell() noexcept {
  Result<Lane> made = Lane::create();
  if (!made) return std::nullopt;
  return std::move(made).value();
}

}  // namespace

HeldLock::~HeldLock() {
  if (taken_) static_cast<void>(semaphore_.release(maximum_));
  spent_.push_back(keeper_);
}

Errand::Errand(IncomingMessage incoming, void* room_keeper, Giver left_by) noexcept
    : direction(Direction::kIn),
      fd(incoming.fd()),
      message(incoming),
      keeper(room_keeper),
      giver(left_by),
      bell(make_bell()) {
  remember_file();
}

Errand::Errand(int to) noexcept : direction(Direction::kOut), fd(to), bell(make_bell()) { remember_file(); }

void Errand::remember_file() noexcept {
  if (::fstat(fd, &file_) != 0) file_ = {};
}

// False when the number was closed behind our back and may belong to another file by now.
bool Errand::same_file() const noexcept {
  struct stat now = {};
  return ::fstat(fd, &now) == 0 && now.st_dev == file_.st_dev && now.st_ino == file_.st_ino;
}

void Errand::advance() noexcept {
  if (!same_file()) {
    closed = true;
    end();
  } else if (direction == Direction::kIn) {
    receive();
  } else {
    send();
  }
}

void Errand::receive() noexcept {
  const Progress progress = message->advance(-1, [this](std::uint64_t size) -> void* {
    if (size < SIZE_MAX) room.reset(new (std::nothrow) char[static_cast<std::size_t>(size) + 1]);
    return room.get();
  });
  if (progress == Progress::kWait) return;
  failed = progress == Progress::kFailed;
  end();
}

void Errand::send() noexcept {
  std::size_t left = kBytesPerTurn;
  while (!parcels.empty() && left > 0) {
    Parcel& parcel = parcels.front();
    if (parcel.lock != nullptr) {
      if (!parcel.lock->try_acquire()) return;
      parcel.held.push_back(std::move(parcel.lock));
      parcel.lock = nullptr;
    }
    OutgoingMessage rest(fd, {}, parcel.bytes.data() + parcel.written, parcel.bytes.size() - parcel.written);
    const Progress progress = rest.advance(left);
    if (progress == Progress::kFailed) {
      failed = true;
      break;
    }
    const std::size_t moved = rest.written();
    parcel.written += moved;
    left -= std::min(left, moved);
    if (progress == Progress::kWait) return;
    parcels.pop_front();
  }
  if (failed || parcels.empty()) end();
}

void Errand::end() noexcept {
  ended = true;
  held.clear();
  parcels.clear();
  if (close_after) ::close(fd);
  if (bell) bell->ring();
}

bool Errand::waits_for_lock() const noexcept { return !parcels.empty() && parcels.front().lock != nullptr; }

bool Errand::has_giver() const noexcept {
  return std::any_of(parcels.begin(), parcels.end(), [](const Parcel& each) { return each.giver.greenlet != nullptr; });
}

void Errand::hold(const std::shared_ptr<HeldLock>& lock, const void* greenlet, std::uint64_t taken_at) {
  const auto was_his = [&](const Giver& each) { return each.greenlet == greenlet && taken_at <= each.left_at; };
  if (direction == Direction::kIn && was_his(giver)) held.push_back(lock);
  for (Parcel& parcel : parcels) {
    if (was_his(parcel.giver)) parcel.held.push_back(lock);
  }
}

}  // namespace gevent
