#include "python/socket/held_output.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "python/hub/hub_state.h"

namespace gevent {
namespace {

// A thousandth of what the kernel waits.
constexpr std::int64_t kQuickNs = 200'000;

// The option that is set already: setting it again lets go of everything.
void let_go(int fd) noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

// An entry of a loop's ready queue refers to it while `queued`, and whoever has it last deletes it. A loop that was
// given up never runs its entries, which leaves them as they are.
struct HeldOutput::Errand {
  const Loop* loop = nullptr;
  int fd = -1;  // of which something is held back; else -1
  bool queued = false;
  bool owned = true;
};

HeldOutput::~HeldOutput() {
  if (errand_ == nullptr) return;
  end();
  errand_->owned = false;
  if (!errand_->queued) delete errand_;
}

int HeldOutput::flag_for_next() noexcept {
  if (last_ns_ == 0) return quick_ ? kHold : 0;
  several_ = true;
  if (Clock::now().count() - last_ns_ <= kQuickNs) return kHold;
  quick_so_far_ = false;
  return 0;
}

void HeldOutput::sent(int fd, int flag) noexcept {
  last_ns_ = Clock::now().count();
  if (flag == 0) {
    if (errand_ != nullptr) errand_->fd = -1;
    return;
  }
  ask_loop();
  errand_->fd = fd;
}

void HeldOutput::end() noexcept {
  if (errand_ != nullptr && errand_->fd >= 0) {
    let_go(errand_->fd);
    errand_->fd = -1;
  }
  quick_ = several_ && quick_so_far_;
  several_ = false;
  quick_so_far_ = true;
  last_ns_ = 0;
}

void HeldOutput::ask_loop() noexcept {
  const HubState* hub = hub_state();
  Loop* const loop = hub == nullptr ? nullptr : hub->loop;
  if (errand_ != nullptr && errand_->loop != loop) {
    // In a forked child, or after the hub was destroyed: the other loop has it for ever.
    errand_->owned = false;
    if (!errand_->queued) delete errand_;
    errand_ = nullptr;
  }
  if (errand_ == nullptr) {
    errand_ = new Errand;
    errand_->loop = loop;
  }
  if (errand_->queued || loop == nullptr) return;
  errand_->queued = true;
  loop->ready.push({&run_errand, errand_, nullptr});
}

void HeldOutput::run_errand(void* target, void*) noexcept {
  auto* const errand = static_cast<Errand*>(target);
  errand->queued = false;
  if (errand->fd >= 0) let_go(errand->fd);
  errand->fd = -1;
  if (!errand->owned) delete errand;
}

}  // namespace gevent
