// greenlet's object layout, without its C API.
#pragma once
#include <Python.h>

// greenlet.h gives every file that includes it an API table of its own, to be filled by that file. This library has one
// table for all (greenlet_api.h); bindings, which include greenlet.h themselves for the layout, have none.
#ifndef Py_GREENLETOBJECT_H
#define GREENLET_MODULE
#define implementation_ptr_t void*
#include <greenlet/greenlet.h>
#undef implementation_ptr_t
#undef GREENLET_MODULE
#endif
