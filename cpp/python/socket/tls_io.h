// The calls of an encrypted connection: the encryption is tried, says what it needs of the network, and is tried again.
//
// `tls` is what encrypts, an `ssl.SSLObject` or `_ssl._SSLSocket`. All return a new reference, or nullptr + exception;
// TimeoutError names the operation. A call that may not wait (timeout 0) fails with what the encryption has raised.
#pragma once
#include <Python.h>

#include "python/socket/socket_core.h"

namespace gevent {

// The exceptions (borrowed for the process's life) by which it asks to be called again when there is something to read,
// or room to write, and by which it says that the other side is gone without a word.
void set_tls_errors(PyObject* want_read, PyObject* want_write, PyObject* ragged_end) noexcept;

// Calls `method()` until it is done with the network.
PyObject* tls_call(SocketCore& socket, PyObject* method, const char* operation) noexcept;

// Up to `size` decrypted bytes; or, with a `buffer` that is not None, how many were put there. The end of the stream is
// none of them; `ends_quietly`: also where the other side did not say that it ends.
PyObject* tls_read(SocketCore& socket, PyObject* tls, Py_ssize_t size, PyObject* buffer, bool ends_quietly) noexcept;

// How much of `data` was taken.
PyObject* tls_write(SocketCore& socket, PyObject* tls, PyObject* data, double timeout_s) noexcept;

}  // namespace gevent
