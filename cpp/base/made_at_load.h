// An object of the whole process, for as long as it lives.
#pragma once

namespace gevent {

// `object()` is a T that is made when the library is loaded and never destroyed: threads may use it until the very end.
//
// Not at the first use, for what a forked child looks at: nearly all a child does first costs a copy of a page, and
// malloc() visits a dozen of them.
template <typename T>
class MadeAtLoad {
 public:
  MadeAtLoad() : object_(new T) {}
  MadeAtLoad(const MadeAtLoad&) = delete;
  MadeAtLoad& operator=(const MadeAtLoad&) = delete;

  [[nodiscard]] T& operator()() const noexcept { return *object_; }

 private:
  T* const object_;
};

}  // namespace gevent
