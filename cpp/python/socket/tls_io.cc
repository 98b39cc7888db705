#include "python/socket/tls_io.h"

#include "python/wait/spinning.h"

namespace gevent {
namespace {

PyObject* want_read_error = nullptr;
PyObject* want_write_error = nullptr;
PyObject* ragged_end_error = nullptr;
PyObject* name_of_read = nullptr;
PyObject* name_of_write = nullptr;
PyObject* name_of_pending = nullptr;

// For one call of the user's, however often the encryption has to be tried for it.
class TlsWait {
 public:
  TlsWait(SocketCore& socket, double timeout_s, const char* operation) noexcept
      : socket_(socket), operation_(operation), patience_(timeout_s) {}

  // An attempt has failed, with the exception that is set: true once the network is as it asked for. Otherwise false,
  // with an exception.
  bool may_retry() noexcept {
    int event = kRead;
    if (PyErr_ExceptionMatches(want_write_error)) {
      event = kWrite;
    } else if (!PyErr_ExceptionMatches(want_read_error)) {
      return false;
    }
    if (patience_.none()) {
      note_look();
      return false;
    }
    PyErr_Clear();
    const Parked outcome = socket_.park(event, patience_);
    if (outcome == kTimedOut) PyErr_Format(PyExc_TimeoutError, "The %s operation timed out", operation_);
    return outcome == kWoken && is_open();
  }

  // Ahead of the first attempt. False + exception on failure.
  bool wait_before_reading() noexcept { return socket_.wait_before_receiving(patience_) && is_open(); }

 private:
  // Others may have shut the connection down and closed it. The encryption would go on with the number, which may be
  // another file's by now.
  bool is_open() noexcept {
    if (socket_.fd >= 0) return true;
    if (PyObject* const end = PyObject_CallFunction(ragged_end_error, "is", 8, "EOF occurred in violation of protocol");
        end != nullptr) {
      PyErr_SetObject(ragged_end_error, end);
      Py_DECREF(end);
    }
    return false;
  }

  // The caller may not wait, and has looked in vain: others may run now. Keeps the exception, unless one is thrown in.
  static void note_look() noexcept {
    PyObject *type = nullptr, *error = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &error, &traceback);
    if (looked_in_vain() == 0) return PyErr_Restore(type, error, traceback);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
  }

  SocketCore& socket_;
  const char* operation_;
  Patience patience_;
};

// Whether the encryption holds something that was decrypted already. -1 + exception on failure.
int has_pending(PyObject* tls) noexcept {
  PyObject* const pending = PyObject_CallMethodNoArgs(tls, name_of_pending);
  const int truth = pending == nullptr ? -1 : PyObject_IsTrue(pending);
  Py_XDECREF(pending);
  return truth;
}

// 1: wait before the first attempt. As any receiving call: where that was the better guess lately.
int waits_first(SocketCore& socket, PyObject* tls) noexcept {
  if (socket.timeout_s == 0 || !socket.habit.waits_first()) return 0;
  const int pending = has_pending(tls);
  return pending < 0 ? -1 : 1 - pending;
}

PyObject* attempt_read(PyObject* tls, PyObject* size, PyObject* buffer) noexcept {
  PyObject* const args[] = {tls, size, buffer};
  return PyObject_VectorcallMethod(name_of_read, args, buffer == Py_None ? 2 : 3, nullptr);
}

// Tells the habit what came. False + exception on failure.
bool note_received(SocketCore& socket, PyObject* found, Py_ssize_t size_max, bool into_buffer) noexcept {
  const Py_ssize_t size = into_buffer ? PyLong_AsSsize_t(found) : PyObject_Size(found);
  if (size < 0 && PyErr_Occurred() != nullptr) return false;
  socket.habit.received(size, size_max);
  return true;
}

// With the exception that is set: what a reader gets of it.
PyObject* nothing_at_the_end(PyObject* buffer, bool ends_quietly) noexcept {
  if (!ends_quietly || !PyErr_ExceptionMatches(ragged_end_error)) return nullptr;
  PyErr_Clear();
  return buffer == Py_None ? PyBytes_FromStringAndSize(nullptr, 0) : PyLong_FromLong(0);
}

}  // namespace

void set_tls_errors(PyObject* want_read, PyObject* want_write, PyObject* ragged_end) noexcept {
  want_read_error = Py_NewRef(want_read);
  want_write_error = Py_NewRef(want_write);
  ragged_end_error = Py_NewRef(ragged_end);
  name_of_read = PyUnicode_InternFromString("read");
  name_of_write = PyUnicode_InternFromString("write");
  name_of_pending = PyUnicode_InternFromString("pending");
}

PyObject* tls_call(SocketCore& socket, PyObject* method, const char* operation) noexcept {
  TlsWait wait(socket, socket.timeout_s, operation);
  while (true) {
    PyObject* const result = PyObject_CallNoArgs(method);
    if (result != nullptr || !wait.may_retry()) return result;
  }
}

PyObject* tls_write(SocketCore& socket, PyObject* tls, PyObject* data, double timeout_s) noexcept {
  TlsWait wait(socket, timeout_s, "write");
  while (true) {
    PyObject* const args[] = {tls, data};
    PyObject* const taken = PyObject_VectorcallMethod(name_of_write, args, 2, nullptr);
    if (taken != nullptr || !wait.may_retry()) return taken;
  }
}

PyObject* tls_read(SocketCore& socket, PyObject* tls, Py_ssize_t size, PyObject* buffer, bool ends_quietly) noexcept {
  TlsWait wait(socket, socket.timeout_s, "read");
  const int first = waits_first(socket, tls);
  if (first < 0) return nullptr;
  if (first == 1 && !wait.wait_before_reading()) return nothing_at_the_end(buffer, ends_quietly);
  bool waited = first == 1;
  PyObject* const wanted = PyLong_FromSsize_t(size);
  PyObject* found = nullptr;
  while (wanted != nullptr && (found = attempt_read(tls, wanted, buffer)) == nullptr) {
    if (!wait.may_retry()) break;
    if (!waited) socket.habit.tried(false);
    waited = true;
  }
  Py_XDECREF(wanted);
  if (found == nullptr) return nothing_at_the_end(buffer, ends_quietly);
  if (!waited) socket.habit.tried(true);
  if (!note_received(socket, found, size, buffer != Py_None)) Py_CLEAR(found);
  return found;
}

}  // namespace gevent
