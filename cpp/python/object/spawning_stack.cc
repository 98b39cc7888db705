#include "python/object/spawning_stack.h"

#include <frameobject.h>

#include <algorithm>

namespace gevent {
namespace {

int instruction_of(PyFrameObject* frame) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  return PyFrame_GetLasti(frame);
#else
  return frame->f_lasti * 2;  // counted in code units there
#endif
}

bool tracked = true;

}  // namespace

bool spawning_is_tracked() noexcept { return tracked; }
void track_spawning(bool yes) noexcept { tracked = yes; }

void SpawningStack::capture(int depth_max) noexcept {
  clear();
  PyFrameObject* frame = PyEval_GetFrame();
  if (frame == nullptr) return;
  Py_INCREF(frame);
  const int limit = std::min(depth_max, kDepthMax);
  while (frame != nullptr && depth_ < limit) {
    entries_[static_cast<std::size_t>(depth_++)] = {PyFrame_GetCode(frame), instruction_of(frame)};
    PyFrameObject* back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = back;
  }
  Py_XDECREF(frame);
}

void SpawningStack::clear() noexcept {
  while (depth_ > 0) Py_DECREF(entries_[static_cast<std::size_t>(--depth_)].code);
}

PyObject* SpawningStack::describe() const noexcept {
  PyObject* pairs = PyList_New(0);
  for (int i = 0; pairs != nullptr && i < depth_; ++i) {
    const Entry& entry = entries_[static_cast<std::size_t>(i)];
    PyObject* pair = Py_BuildValue("(Oi)", entry.code, PyCode_Addr2Line(entry.code, entry.instruction));
    if (pair == nullptr || PyList_Append(pairs, pair) < 0) Py_CLEAR(pairs);
    Py_XDECREF(pair);
  }
  return pairs;
}

}  // namespace gevent
