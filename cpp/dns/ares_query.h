// One question to an AresChannel.
#pragma once
#include "base/intrusive_list.h"
#include "dns/dns_answer.h"

namespace gevent {

class AresChannel;
struct AresFlight;

// Is asked once, by one of AresChannel's functions. Lives at a fixed address, not on a C stack that may be switched
// away. Whoever destroys it before the answer has come says that nobody wants that any more; c-ares may go on with it.
class AresQuery : public ListNode {
 public:
  // Called once when the answer has come, from within Loop::run() or AresChannel::close(); may destroy the query and
  // ask others. Not called for an answer that was there before the asking function returned, nor when the loop is gone
  // or was abandoned: then there will be none.
  using OnAnswer = void (*)(AresQuery& query, void* owner) noexcept;

  AresQuery(OnAnswer on_answer, void* owner) noexcept : on_answer_(on_answer), owner_(owner) {}
  ~AresQuery();

  [[nodiscard]] bool answered() const noexcept { return answered_; }
  DnsAnswer answer;  // once answered()

 private:
  friend class AresChannel;
  friend struct AresFlight;

  OnAnswer on_answer_;
  void* owner_;
  AresFlight* flight_ = nullptr;  // while c-ares has it
  bool answered_ = false;
};

}  // namespace gevent
