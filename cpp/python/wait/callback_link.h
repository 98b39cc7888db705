// Callbacks that stand in line with waiting greenlets: what rawlink() makes for objects that any thread may wake.
#pragma once
#include <Python.h>

#include "sync/waiter.h"

namespace gevent {

// A link calls `callback(source)` once, from its hub, after it was woken or `soon`. It stands in `queue` in the order
// in which it came, among greenlets, and is an entry of `links`, a list that belongs to the source and dies with it.
// Whoever wakes only pushes it on the ready queue of the hub's loop, so it may be another thread. What the callback
// raises goes to the hub's handle_error, with the pair (callback, source) as context. A link whose hub is gone is never
// called.
//
// What a link was woken for may be gone when its turn comes, as somebody else was faster: `still_there(source)` is
// asked then, and if it says no the link goes back to the front of the queue. nullptr: what has happened has happened.
//
// All need the GIL.

using StillThere = bool (*)(PyObject* source);

// The hub that is to call `callback`: the calling thread's, or `own_hub`, that of whoever waited or linked first (None:
// nobody yet), where the thread has none. New reference; nullptr + TypeError for what cannot be called.
PyObject* hub_for_link(PyObject* callback, PyObject* own_hub) noexcept;

// Returns 0, or -1 with an exception. Borrows everything; a link that waits in the queue keeps only the callback and
// the hub alive, one that is on its way to be called also the source.
int add_link(PyObject* links, PyObject* source, PyObject* callback, PyObject* hub, WaitQueue& queue, bool soon,
             StillThere still_there = nullptr) noexcept;

// Removes the first link whose callback equals `callback`, in line or on its way. 1 removed, 0 there was none, -1
// exception.
int remove_link(PyObject* links, PyObject* callback) noexcept;

// How many of `links` are on their way, hence in no queue.
Py_ssize_t links_on_their_way(PyObject* links) noexcept;

}  // namespace gevent
