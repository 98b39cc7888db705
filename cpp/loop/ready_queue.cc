#include "loop/ready_queue.h"

namespace gevent {

namespace {
constexpr std::size_t kFirstCapacity = 256;  // a power of two: positions are reduced by masking
}

ReadyQueue::ReadyQueue() : entries_(new ReadyEntry[kFirstCapacity]), mask_(kFirstCapacity - 1) {}

void ReadyQueue::grow() noexcept {
  const std::uint64_t mask = mask_ * 2 + 1;
  // Inside noexcept: std::bad_alloc ends in std::terminate, which is what push() promises.
  std::unique_ptr<ReadyEntry[]> entries(new ReadyEntry[mask + 1]);
  for (Position position = head_; position != tail_; ++position) {
    entries[position & mask] = entries_[position & mask_];
  }
  entries_ = std::move(entries);
  mask_ = mask;
}

}  // namespace gevent
