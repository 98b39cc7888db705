// Whether a class still has the methods that its author wrote, so that these need not be called through Python.
#pragma once
#include <Python.h>

#include "python/object/type_version.h"

namespace gevent {

// What was found out about the class itself, and about the subclass that was last asked for, is kept by the numbers of
// their versions. Needs the GIL. Lives as long as the process.
class ClassAsWritten {
 public:
  // Keeps what the class `type` has now under each of `names`, a tuple of str; and under `names_of_itself`, which
  // subclasses may change. -1 + exception on failure.
  int remember(PyObject* type, PyObject* names, PyObject* names_of_itself) noexcept;

  // Whether nobody has overridden, or assigned, any of these in `type`, the class itself or a subclass of it.
  [[nodiscard]] bool holds(PyObject* type) noexcept {
    if (const unsigned int version = version_of(type); version != 0) [[likely]] {
      if (version == own_version_ && type == type_) return true;
      if (version == other_version_ && type == other_) return other_holds_;
    }
    return look(type);
  }

  [[nodiscard]] PyObject* type() const noexcept { return type_; }

 private:
  static PyObject* values_of(PyObject* type, PyObject* names) noexcept;
  static bool same(PyObject* type, PyObject* names, PyObject* values) noexcept;
  bool look(PyObject* type) noexcept;

  PyObject* type_ = nullptr;
  PyObject* names_ = nullptr;
  PyObject* values_ = nullptr;
  PyObject* names_of_itself_ = nullptr;
  PyObject* values_of_itself_ = nullptr;
  unsigned int own_version_ = 0;
  const PyObject* other_ = nullptr;  // compared only
  unsigned int other_version_ = 0;
  bool other_holds_ = false;
};

}  // namespace gevent
