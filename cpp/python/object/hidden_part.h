// Data that instances of a Python class carry behind what their type tells of their layout.
#pragma once
#include <Python.h>

#include <cstring>
#include <new>

namespace gevent {

// A class can be combined with another one in a subclass only if at most one of them adds fields to the layout of their
// common base: `class SlowDisk(Timeout, OSError)` needs a Timeout laid out as BaseException. Its instances may still be
// allocated longer. This makes that so for one class, written in Python and derived from BaseException:
//
//     using Hidden = HiddenPart<Part>;
//     Hidden::install(type);    // once, before it has instances
//     Hidden::of(instance)      // requires: Hidden::in(instance)
//
// Instances of its subclasses have no such part, as they are allocated by Python itself. `Part` is made and destroyed
// with its instance and offers `int traverse(visitproc, void*)` and `void clear()` for the collector. An instance
// cannot get another class, nor another one this class, by assignment to `__class__`: Python compares `tp_free`.
template <class Part>
class HiddenPart {
 public:
  static void install(PyTypeObject* type) noexcept {
    static_assert(alignof(Part) <= alignof(void*));
    type_ = type;
    type->tp_alloc = &allocate;
    type->tp_free = &release;
    type->tp_traverse = &traverse;
    type->tp_clear = &clear;
  }

  [[nodiscard]] static bool in(PyObject* object) noexcept { return Py_IS_TYPE(object, type_); }
  [[nodiscard]] static Part& of(PyObject* object) noexcept {
    return *std::launder(reinterpret_cast<Part*>(reinterpret_cast<char*>(object) + type_->tp_basicsize));
  }
  [[nodiscard]] static PyTypeObject* type() noexcept { return type_; }

 private:
  static PyObject* allocate(PyTypeObject* type, Py_ssize_t length) noexcept {
    if (type != type_) return PyType_GenericAlloc(type, length);
    PyObject* made = allocate_longer();
    if (made == nullptr) return nullptr;
    new (reinterpret_cast<char*>(made) + type_->tp_basicsize) Part();
    PyObject_GC_Track(made);
    return made;
  }

  static PyObject* allocate_longer() noexcept {
#if PY_VERSION_HEX >= 0x030C0000
    return PyUnstable_Object_GC_NewWithExtraData(type_, sizeof(Part));
#else
    // Only an object of variable size could be longer than others of its type. So it is allocated as one of those, and
    // then told what it is.
    static PyTypeObject bytes_type{};
    Py_SET_REFCNT(reinterpret_cast<PyObject*>(&bytes_type), 1);
    bytes_type.tp_name = "bytes of a HiddenPart";
    bytes_type.tp_basicsize = sizeof(PyVarObject);
    bytes_type.tp_itemsize = 1;
    bytes_type.tp_flags = Py_TPFLAGS_HAVE_GC;
    const Py_ssize_t size = type_->tp_basicsize + static_cast<Py_ssize_t>(sizeof(Part));
    PyVarObject* room = _PyObject_GC_NewVar(&bytes_type, size - static_cast<Py_ssize_t>(sizeof(PyVarObject)));
    if (room == nullptr) return nullptr;
    auto* made = reinterpret_cast<PyObject*>(room);
    std::memset(made + 1, 0, static_cast<std::size_t>(size) - sizeof(PyObject));
    Py_SET_TYPE(made, type_);
    Py_INCREF(type_);
    return made;
#endif
  }

  static void release(void* memory) noexcept {
    auto* object = static_cast<PyObject*>(memory);
    if (in(object)) of(object).~Part();
    PyObject_GC_Del(memory);
  }

  // Subclasses come here too, from CPython's own functions for them, which leave the type to be visited by the first
  // base that is no static one.
  static int traverse(PyObject* object, visitproc visit, void* arg) noexcept {
    Py_VISIT(Py_TYPE(object));
    if (in(object)) {
      if (const int stop = of(object).traverse(visit, arg)) return stop;
    }
    return base()->tp_traverse(object, visit, arg);
  }

  static int clear(PyObject* object) noexcept {
    if (in(object)) of(object).clear();
    return base()->tp_clear(object);
  }

  static PyTypeObject* base() noexcept { return reinterpret_cast<PyTypeObject*>(PyExc_BaseException); }

  static inline PyTypeObject* type_ = nullptr;
};

}  // namespace gevent
