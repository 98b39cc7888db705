#include "python/wait/callback_link.h"

#include <new>

#include "python/hub/hub_state.h"
#include "python/wait/parking.h"

namespace gevent {
namespace {

struct LinkObject;

class LinkWaiter final : public Waiter {
 public:
  explicit LinkWaiter(LinkObject* link) noexcept : link_(link) {}
  ~LinkWaiter() = default;
  void wake() noexcept override;
  [[nodiscard]] bool stale() const noexcept override;

 private:
  LinkObject* link_;
};

// A Python object of its own, so that the garbage collector sees through it: callbacks like to be methods of whoever
// owns the source.
struct LinkObject {
  PyObject_HEAD PyObject* callback;
  PyObject* hub;
  PyObject* source;  // borrowed while in line; owned while on its way
  PyObject* links;   // borrowed: the source keeps it
  WaitQueue* queue;  // the source's
  StillThere still_there;
  bool on_its_way;
  alignas(LinkWaiter) unsigned char waiter_bytes[sizeof(LinkWaiter)];

  LinkWaiter& waiter() noexcept { return *reinterpret_cast<LinkWaiter*>(waiter_bytes); }
};

LinkObject* as_link(PyObject* object) noexcept { return reinterpret_cast<LinkObject*>(object); }
PyObject* as_object(LinkObject* link) noexcept { return reinterpret_cast<PyObject*>(link); }

// ---- which loop -----------------------------------------------------------------------------------------------------

// The class of gevent's own loop objects; borrowed, nullptr when it cannot be had.
PyTypeObject* own_loop_type() noexcept {
  static PyTypeObject* type = [] {
    PyObject* module = PyImport_ImportModule("gevent._native.loop");
    PyObject* found = module == nullptr ? nullptr : PyObject_GetAttrString(module, "loop");
    Py_XDECREF(module);
    if (found == nullptr) PyErr_Clear();
    return reinterpret_cast<PyTypeObject*>(found);
  }();
  return type;
}

// The hub's loop object (new reference), or nullptr, without an exception, when the hub has none any more.
PyObject* loop_object_of(PyObject* hub) noexcept {
  static PyObject* name = PyUnicode_InternFromString("loop");
  PyObject* loop = PyObject_GetAttr(hub, name);
  if (loop == nullptr) PyErr_Clear();
  if (loop == Py_None) Py_CLEAR(loop);
  return loop;
}

// Its C++ loop, or nullptr, without an exception, if somebody put another loop in its place.
Loop* own_loop(PyObject* loop_object) noexcept {
  PyTypeObject* type = own_loop_type();
  if (type == nullptr || !PyObject_TypeCheck(loop_object, type)) return nullptr;
  Loop* loop = loop_of(loop_object);
  if (loop == nullptr) PyErr_Clear();
  return loop;
}

// ---- calling --------------------------------------------------------------------------------------------------------

void forget(LinkObject* link) noexcept {
  PyObject* links = link->links;
  link->links = nullptr;
  if (links == nullptr) return;
  for (Py_ssize_t index = 0; index < PyList_GET_SIZE(links); ++index) {
    if (PyList_GET_ITEM(links, index) != as_object(link)) continue;
    PyList_SetSlice(links, index, index + 1, nullptr);
    return;
  }
}

// Takes over the references that set_out() took.
void arrive(LinkObject* link) noexcept {
  PyObject* source = link->source;
  link->on_its_way = false;
  if (link->links != nullptr && link->still_there != nullptr && !link->still_there(source)) {
    link->queue->enqueue_first(link->waiter());
  } else if (link->links != nullptr) {
    PyObject* callback = Py_NewRef(link->callback);
    forget(link);
    PyObject* result = PyObject_CallOneArg(callback, source);
    if (result == nullptr) {
      PyObject *type, *value, *traceback;
      PyErr_Fetch(&type, &value, &traceback);
      PyObject* context = PyTuple_Pack(2, callback, source);
      if (context == nullptr) PyErr_Clear();
      PyErr_Restore(type, value, traceback);
      report_exception(nullptr, context);
      Py_XDECREF(context);
    }
    Py_XDECREF(result);
    Py_DECREF(callback);
  }
  Py_DECREF(source);
  Py_DECREF(as_object(link));
}

void run_link(void* target, void*) noexcept { arrive(static_cast<LinkObject*>(target)); }

// Sends the link to its hub. It has left the queue.
void set_out(LinkObject* link) noexcept {
  if (link->on_its_way || link->links == nullptr) return;
  PyObject* loop_object = loop_object_of(link->hub);
  if (loop_object == nullptr) {
    forget(link);
    return;
  }
  link->on_its_way = true;
  Py_INCREF(link->source);
  Py_INCREF(as_object(link));
  if (Loop* loop = own_loop(loop_object); loop != nullptr) {
    loop->ready.push({&run_link, link, nullptr});
    loop->wake_up_if_blocked();
  } else {
    HubState* here = hub_state();
    const bool mine = here != nullptr && reinterpret_cast<PyObject*>(here->greenlet) == link->hub;
    PyObject* scheduled =
        PyObject_CallMethod(loop_object, mine ? "run_callback" : "run_callback_threadsafe", "O", as_object(link));
    if (scheduled == nullptr) PyErr_WriteUnraisable(loop_object);
    Py_XDECREF(scheduled);
  }
  Py_DECREF(loop_object);
}

void LinkWaiter::wake() noexcept { set_out(link_); }

bool LinkWaiter::stale() const noexcept {
  PyObject* loop_object = loop_object_of(link_->hub);
  Loop* loop = loop_object == nullptr ? nullptr : own_loop(loop_object);
  const bool nobody = loop_object == nullptr || (loop != nullptr && loop->abandoned());
  Py_XDECREF(loop_object);
  return nobody;
}

// ---- the type -------------------------------------------------------------------------------------------------------

// Called by a loop that is not ours, in place of run_link().
PyObject* link_call(PyObject* self, PyObject*, PyObject*) noexcept {
  if (as_link(self)->on_its_way) arrive(as_link(self));
  Py_RETURN_NONE;
}

int link_traverse(PyObject* self, visitproc visit, void* arg) noexcept {
  LinkObject* link = as_link(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(link->callback);
  Py_VISIT(link->hub);
  if (link->on_its_way) Py_VISIT(link->source);
  return 0;
}

void link_dealloc(PyObject* self) noexcept {
  LinkObject* link = as_link(self);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  link->waiter().~LinkWaiter();
  if (link->on_its_way) Py_XDECREF(link->source);
  Py_XDECREF(link->callback);
  Py_XDECREF(link->hub);
  type->tp_free(self);
  Py_DECREF(type);
}

PyTypeObject* link_type() noexcept {
  static PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>("One rawlink() callback.")},
                                {Py_tp_call, reinterpret_cast<void*>(&link_call)},
                                {Py_tp_traverse, reinterpret_cast<void*>(&link_traverse)},
                                {Py_tp_dealloc, reinterpret_cast<void*>(&link_dealloc)},
                                {0, nullptr}};
  static PyType_Spec spec = {"gevent._native.CallbackLink", sizeof(LinkObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  static PyTypeObject* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return type;
}

}  // namespace

PyObject* hub_for_link(PyObject* callback, PyObject* own_hub) noexcept {
  if (PyCallable_Check(callback) == 0) return PyErr_Format(PyExc_TypeError, "Expected callable: %R", callback);
  return hub_state() != nullptr || own_hub == Py_None ? current_hub() : Py_NewRef(own_hub);
}

int add_link(PyObject* links, PyObject* source, PyObject* callback, PyObject* hub, WaitQueue& queue, bool soon,
             StillThere still_there) noexcept {
  PyTypeObject* type = link_type();
  if (type == nullptr) return -1;
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return -1;
  LinkObject* link = as_link(object);
  new (link->waiter_bytes) LinkWaiter(link);
  link->callback = Py_NewRef(callback);
  link->hub = Py_NewRef(hub);
  link->source = source;
  link->links = links;
  link->queue = &queue;
  link->still_there = still_there;
  if (PyList_Append(links, object) < 0) {
    Py_DECREF(object);
    return -1;
  }
  if (soon) {
    set_out(link);
  } else {
    queue.enqueue(link->waiter());
  }
  Py_DECREF(object);
  return 0;
}

int remove_link(PyObject* links, PyObject* callback) noexcept {
  for (Py_ssize_t index = 0; index < PyList_GET_SIZE(links); ++index) {
    // Comparing runs Python code, which may change the list.
    PyObject* object = Py_NewRef(PyList_GET_ITEM(links, index));
    LinkObject* link = as_link(object);
    const int equal = link->callback == callback ? 1 : PyObject_RichCompareBool(link->callback, callback, Py_EQ);
    if (equal > 0) {
      link->waiter().unlink();
      forget(link);
    }
    Py_DECREF(object);
    if (equal != 0) return equal;
  }
  return 0;
}

Py_ssize_t links_on_their_way(PyObject* links) noexcept {
  Py_ssize_t count = 0;
  for (Py_ssize_t index = 0; index < PyList_GET_SIZE(links); ++index) {
    if (as_link(PyList_GET_ITEM(links, index))->on_its_way) ++count;
  }
  return count;
}

}  // namespace gevent
