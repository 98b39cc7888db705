#include "python/wait/link.h"

#include "python/wait/parking.h"

namespace gevent {

void Link::add(WaitQueue& queue, PyObject* source, PyObject* callback) noexcept {
  queue.enqueue(*new Link(source, callback));
}

int Link::remove(WaitQueue& queue, PyObject* callback) noexcept {
  for (Waiter* waiter = queue.front(); waiter != nullptr; waiter = queue.after(*waiter)) {
    auto* link = dynamic_cast<Link*>(waiter);
    if (link == nullptr) continue;
    // Comparing runs Python code, which may change the queue; the link it compares must survive that.
    PyObject* mine = Py_NewRef(link->callback);
    const int equal = mine == callback ? 1 : PyObject_RichCompareBool(mine, callback, Py_EQ);
    Py_DECREF(mine);
    if (equal < 0) return -1;
    if (equal == 0) continue;
    link->unlink();
    delete link;
    return 1;
  }
  return 0;
}

void Link::remove_all(WaitQueue& queue) noexcept {
  Waiter* waiter = queue.front();
  while (waiter != nullptr) {
    Waiter* next = queue.after(*waiter);
    if (auto* link = dynamic_cast<Link*>(waiter); link != nullptr) {
      link->unlink();
      delete link;
    }
    waiter = next;
  }
}

Py_ssize_t Link::count(WaitQueue& queue) noexcept {
  Py_ssize_t links = 0;
  for (Waiter* waiter = queue.front(); waiter != nullptr; waiter = queue.after(*waiter)) {
    if (dynamic_cast<Link*>(waiter) != nullptr) ++links;
  }
  return links;
}

int Link::traverse(WaitQueue& queue, visitproc visit, void* arg) noexcept {
  for (Waiter* waiter = queue.front(); waiter != nullptr; waiter = queue.after(*waiter)) {
    if (auto* link = dynamic_cast<Link*>(waiter); link != nullptr) Py_VISIT(link->callback);
  }
  return 0;
}

void Link::wake() noexcept {
  // The callback may drop the last reference to whatever it was linked to.
  PyObject* object = Py_NewRef(source);
  PyObject* called = Py_NewRef(callback);
  delete this;
  PyObject* result = PyObject_CallOneArg(called, object);
  if (result == nullptr) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject* context = PyTuple_Pack(2, called, object);
    PyErr_Restore(type, value, traceback);
    report_exception(nullptr, context);
    Py_XDECREF(context);
  }
  Py_XDECREF(result);
  Py_DECREF(called);
  Py_DECREF(object);
}

}  // namespace gevent
