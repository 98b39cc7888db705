// What libuv is asked to look after: one poll handle for each descriptor, however many watchers wait for it.
#pragma once
#include <uv.h>

#include <memory>
#include <vector>

#include "loop/libuv/watcher_state.h"

namespace gevent {

// libuv allows one poll handle per descriptor, stops the process when the kernel refuses a descriptor, and makes two or
// three system calls for every change of what it looks after. So:
//
// - Watchers are kept here, and libuv hears of changes only in hand_over(), just before it polls. A descriptor whose
//   last watcher was stopped stays registered, since most are soon started again; only when the kernel reports
//   something that nobody waits for, or in forget(), is it given up.
// - hand_over() shows each descriptor to the kernel before libuv does. Closed ones never reach libuv; what cannot be
//   polled (a regular file, /dev/null) counts as ready all the time.
// - Handles are made once for each number, and used for whatever file has that number later. They are made for a
//   descriptor of ours, because uv_poll_init() makes what it is given non-blocking, for all processes which have it.
class DescriptorTable {
 public:
  // `heard` is set whenever libuv reports something.
  DescriptorTable(uv_loop_t& loop, bool& heard) noexcept : loop_(loop), heard_(heard) {}

  void start(Io& io) noexcept;  // Requires: fd >= 0
  void stop(Io& io) noexcept;

  // Whether there are active ones on `fd`.
  [[nodiscard]] bool watched(int fd) const noexcept {
    const auto index = static_cast<std::size_t>(fd);
    return index < all_.size() && all_[index] != nullptr && all_[index]->first != nullptr;
  }

  // Gives up what is registered for `fd` if nobody waits for it.
  void forget(int fd) noexcept;

  // Tells libuv of all changes. Calls closed(Io&) for each watcher of a descriptor that the kernel does not take;
  // `closed` stops it. Returns whether there were changes, which libuv will hand to the kernel when it polls.
  template <typename Closed>
  bool hand_over(Closed closed) noexcept {
    bool changed = false;
    for (std::size_t i = 0; i != changed_.size(); ++i) {  // stopping adds to it
      Descriptor& descriptor = *changed_[i];
      descriptor.changed = false;
      switch (hand_over_one(descriptor)) {
        case HandOver::kNothing:
          break;
        case HandOver::kChanged:
          changed = true;
          break;
        case HandOver::kRefused:
          while (descriptor.first != nullptr) closed(*descriptor.first);
      }
    }
    changed_.clear();
    return changed;
  }

  // Descriptors found ready since the last time, without looking: those that the kernel cannot poll.
  void look_at_unpollable() noexcept;
  [[nodiscard]] bool any_ready() const noexcept { return !ready_.empty(); }
  // Calls ready(Io&, revents) for each watcher of a descriptor that was found ready, last one first.
  template <typename Ready>
  void take_ready(Ready ready) noexcept {
    while (!ready_.empty()) {
      const Found found = ready_.back();
      ready_.pop_back();
      for (Io* io = found.descriptor->first; io != nullptr; io = state_of(*io).io.next) {
        if (const int revents = found.events & state_of(*io).io.events; revents != 0) ready(*io, revents);
      }
    }
  }

  // Around uv_loop_fork(): before it, gives up numbers that libuv's own new descriptors might get; after it, when
  // nothing done here concerns the parent any more, makes the next hand_over() register everything again.
  void before_fork_repair() noexcept;
  void after_fork_repair() noexcept;

  // Begins to close all handles; run libuv until it is done, before the table goes.
  void close() noexcept;

 private:
  struct Descriptor {
    uv_poll_t handle;
    Io* first = nullptr;  // active watchers
    int fd = -1;
    int readers = 0;
    int writers = 0;
    int registered = 0;        // what libuv looks after
    bool made = false;         // the handle is
    bool changed = false;      // is in changed_
    bool fresh = false;        // the number may stand for another file than before
    bool superfluous = false;  // something was reported that nobody waits for
    bool unpollable = false;   // is in unpollable_
    [[nodiscard]] int wanted() const noexcept { return (readers != 0 ? kRead : 0) | (writers != 0 ? kWrite : 0); }
  };
  struct Found {
    Descriptor* descriptor;
    int events;
  };
  enum class HandOver { kNothing, kChanged, kRefused };

  Descriptor& descriptor_of(int fd) noexcept;
  void change(Descriptor& descriptor) noexcept;
  HandOver hand_over_one(Descriptor& descriptor) noexcept;
  HandOver add(Descriptor& descriptor, int wanted) noexcept;
  bool make_handle(Descriptor& descriptor) noexcept;
  void give_up(Descriptor& descriptor) noexcept;
  void set_unpollable(Descriptor& descriptor, bool unpollable) noexcept;
  static void on_poll(uv_poll_t* handle, int status, int events) noexcept;
  void found(Descriptor& descriptor, int events) noexcept;

  uv_loop_t& loop_;
  bool& heard_;
  std::vector<std::unique_ptr<Descriptor>> all_;  // by number
  std::vector<Descriptor*> changed_;
  std::vector<Descriptor*> unpollable_;
  std::vector<Found> ready_;
};

}  // namespace gevent
