// Who could still come: whether another thread may end a wait that nothing in the caller's own loop will end.
//
// A greenlet that waits while its loop has nothing left to do is lost, unless another thread wakes it: one that was
// there before patching, a worker of a thread pool, another hub, one of a C library that calls back. Every thread that
// Python knows counts as able to do that but those which *rest*: which sleep until somebody wakes them and will do
// nothing by themselves. These are
//
// * idle workers of thread pools;
// * threads that sleep in park_thread_in() without a time limit;
// * loops that wait for nothing but other threads (Loop::idle_holds).
//
// Whoever finds nobody able gives up: LoopExit. Whoever finds somebody *stalls*: it sleeps on, and is rung when the
// last able thread begins to rest, or ends. Then it asks again.
//
// *Foreigners* are threads that Python does not know, because they have not called it, or do not just now. Whether one
// ever will cannot be known, so while one lives nobody gives up (but thread/foreign_threads.h knows some that never
// call); a wait that nothing ends is then as in a program without gevent. Nobody tells of their end: who stalls for
// their sake alone asks again after a pause. Where there is no /proc they are not seen, and do not count.
//
// Everything here needs the GIL. In a forked child nobody rests but who began there.
#pragma once
#include <Python.h>

#include "loop/loop.h"

namespace gevent {

// One thread's rest, between begin() and end(). May live on the C stack of a thread that sleeps without giving its
// stack away to another greenlet; in a forked child, where that stack is somebody else's by and by, nobody looks at it.
class Rest {
 public:
  Rest() noexcept = default;
  Rest(const Rest&) = delete;
  Rest& operator=(const Rest&) = delete;

  // Says that the calling thread is about to sleep. If it was the last that was able, one that stalls is rung.
  void begin() noexcept;
  // Does nothing when it has not begun, in this process.
  void end() noexcept;
  [[nodiscard]] bool begun() const noexcept { return thread_ != nullptr; }

  // Whether the thread still sleeps: false as soon as somebody has made anything ready for it.
  [[nodiscard]] virtual bool lasts() const noexcept = 0;

  // Lets the thread look again whether somebody may come; for those that stall. Returns whether it will.
  virtual bool ring() noexcept { return false; }

  [[nodiscard]] const PyThreadState* thread() const noexcept { return thread_; }

 protected:
  ~Rest() { end(); }

 private:
  const PyThreadState* thread_ = nullptr;
};

// Whether a thread beside the caller's may come. From then on the caller is told: it must stall, or ask again.
[[nodiscard]] bool others_may_come() noexcept;
// After that: whether they are foreigners alone, so that the caller is not told and must ask again by itself.
[[nodiscard]] bool only_foreigners_may_come() noexcept;

// How long to wait before one asks again, for the first time and at most.
constexpr double kFirstPauseS = 0.01;
constexpr double kLongestPauseS = 0.5;

// Has the calling thread never count as one that may come: it watches others and wakes nobody.
void count_out_this_thread() noexcept;

// Called by a loop that has nothing left to do, after others_may_come(): while this exists, the loop runs on, and rests
// when it sleeps. With `rests` false it counts as able: something else than a thread may wake it (a signal).
class Stall {
 public:
  Stall(Loop& loop, bool rests) noexcept;
  ~Stall();
  Stall(const Stall&) = delete;
  Stall& operator=(const Stall&) = delete;

 private:
  Loop& loop_;
  bool rests_;
};

}  // namespace gevent
