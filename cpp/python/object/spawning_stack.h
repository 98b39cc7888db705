// Where a greenlet was spawned: cheap to take, worked out when somebody asks.
#pragma once
#include <Python.h>

#include <array>

namespace gevent {

// Whether greenlets remember where they were spawned; yes, until told otherwise.
bool spawning_is_tracked() noexcept;
void track_spawning(bool yes) noexcept;

// The innermost frames of the calling thread as (code, instruction) pairs. Line numbers cost a scan of the code's line
// table each, so they are computed by describe() only.
class SpawningStack {
 public:
  static constexpr int kDepthMax = 10;

  SpawningStack() = default;
  SpawningStack(const SpawningStack&) = delete;
  SpawningStack& operator=(const SpawningStack&) = delete;
  ~SpawningStack() { clear(); }

  void capture(int depth_max) noexcept;
  void clear() noexcept;

  // A list of (code, line) pairs, innermost first; nullptr + exception when memory runs out.
  PyObject* describe() const noexcept;

 private:
  struct Entry {
    PyCodeObject* code;
    int instruction;  // offset in bytes
  };

  std::array<Entry, kDepthMax> entries_;
  int depth_ = 0;
};

}  // namespace gevent
