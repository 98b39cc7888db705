# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, auto_pickle=False
"""local: an object whose attributes are each greenlet's own.

How it works: the type has an ordinary instance dictionary slot, and every access first puts the dictionary of the
running greenlet into that slot. From there on attribute access is CPython's own, with descriptors, slots and class
attributes as everywhere. Whose dictionary is in the slot is remembered, so in the usual case one comparison decides.

A greenlet's dictionary goes when the greenlet ends or dies, or when the local does, whichever is first. What tells of
the end of a greenlet knows the local by number only: it may be left over in a greenlet when the local is long gone.
"""
cimport cython
from cpython.object cimport PyObject, PyObject_GenericGetAttr, PyObject_GenericSetAttr
from cpython.weakref cimport PyWeakref_NewRef

cdef extern from "python/object/type_name.h" namespace "gevent":
    void publish(PyObject* type, const char* name)

cdef extern from "Python.h":
    bint PyUnicode_CheckExact(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    PyObject* running_greenlet()

cdef extern from "python/object/instance_dict.h" namespace "gevent":
    void put_dict(object, object values)
    void drop_dict(object)
    object dict_in_place(object)

cdef extern from "Python.h":
    int generic_setattr "PyObject_GenericSetAttr" (object, object name, PyObject* value) except -1

cdef object _object_init = object.__init__
# Every living local, by its number: a borrowed address.
cdef dict _locals = {}
cdef size_t _numbers = 0


@cython.final
cdef class _Ended:
    """Takes what a greenlet had in a local away. Called with the greenlet, or a dead reference to it."""
    cdef size_t number
    cdef size_t greenlet

    def __call__(self, _):
        address = _locals.get(self.number)
        if address is not None:
            (<local><PyObject*><size_t>address)._forget(self.greenlet)


@cython.final
cdef class _Share:
    """What one greenlet has in one local."""
    cdef dict values
    cdef object reference  # to the greenlet, weak
    cdef _Ended ended
    cdef bint linked       # `ended` is a link of the greenlet


@cython.no_gc_clear  # its dictionaries break every cycle it may be in
cdef class local:
    """An object with attributes that every greenlet sets and sees for itself. From gevent, as `threading.local`.

    A subclass may have an `__init__`: it is called, with the arguments the object was made with, in each greenlet that
    uses the object for the first time. `__slots__` and class attributes are shared by all.
    """
    cdef dict __dict__       # of the greenlet `_last`
    cdef PyObject* _last     # only compared
    cdef dict _shares        # address of a greenlet -> _Share
    cdef tuple _args
    cdef dict _kwargs
    cdef size_t _number

    __slots__ = (
        "_local__impl", "_local_type", "_local_type_set_descriptors", "_local_type_vars",
        "_local_type_set_or_del_descriptors", "_local_type_get_descriptors", "_local_type_del_descriptors",
    )

    def __cinit__(self, *args, **kwargs):
        cdef PyObject* running
        global _numbers
        if (args or kwargs) and type(self).__init__ is _object_init:
            raise TypeError("Initialization arguments are not supported", args, kwargs)
        self._args = args
        self._kwargs = kwargs
        self._shares = {}
        _numbers += 1
        self._number = _numbers
        _locals[self._number] = <size_t><PyObject*>self
        running = running_greenlet()
        if running != NULL:
            self._begin(running)

    def __getstate__(self):
        # A subclass may have its own.
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")

    def __dealloc__(self):
        _locals.pop(self._number, None)
        if self._shares is not None:
            for share in self._shares.values():
                _let_go(share)
        drop_dict(self)

    cdef inline int _enter(self) except -1:
        cdef PyObject* running = running_greenlet()
        # NULL at the very end of the process, when greenlet answers no more: what is in place has to do.
        return 0 if running == self._last or running == NULL else self._change(running)

    cdef int _change(self, PyObject* running) except -1:
        cdef _Share share = self._shares.get(<size_t>running)
        if share is not None:
            put_dict(self, share.values)
            self._last = running
            return 0
        self._begin(running)
        if type(self).__init__ is not _object_init:
            type(self).__init__(self, *self._args, **self._kwargs)
            # Which may have waited, and others used this object meanwhile.
            self._enter()
        return 0

    cdef int _begin(self, PyObject* running) except -1:
        cdef _Share share = _Share()
        cdef _Ended ended = _Ended()
        greenlet = <object>running
        ended.number = self._number
        ended.greenlet = <size_t>running
        share.values = {}
        share.ended = ended
        share.reference = PyWeakref_NewRef(greenlet, ended)
        rawlink = getattr(greenlet, "rawlink", None)
        if rawlink is not None:
            # It may be kept long after it has ended.
            rawlink(ended)
            share.linked = True
        self._shares[<size_t>running] = share
        put_dict(self, share.values)
        self._last = running
        return 0

    cdef _forget(self, size_t greenlet):
        cdef _Share share = self._shares.pop(greenlet, None)
        if <size_t>self._last == greenlet:
            self._last = NULL
            put_dict(self, {})
        if share is not None:
            share.linked = False

    def __getattribute__(self, name):
        self._enter()
        if _names_the_dict(name):
            return dict_in_place(self)
        return PyObject_GenericGetAttr(self, name)

    def __setattr__(self, name, value):
        if _names_the_dict(name):
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        self._enter()
        PyObject_GenericSetAttr(self, name, value)

    def __delattr__(self, name):
        if _names_the_dict(name):
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        self._enter()
        generic_setattr(self, name, NULL)

    def __copy__(self):
        # A new object whose attributes, in this greenlet, are those of this one.
        self._enter()
        values = dict(dict_in_place(self))
        made = type(self)(*self._args, **self._kwargs)
        made.__dict__.update(values)
        return made


cdef inline bint _names_the_dict(object name) except -1:
    if PyUnicode_CheckExact(name) and PyUnicode_GET_LENGTH(name) != 8:
        return False
    return name == "__dict__"  # whatever it is, it may say so


cdef int _let_go(_Share share) except -1:
    if share.linked:
        share.linked = False
        greenlet = share.reference()
        if greenlet is not None:
            greenlet.unlink(share.ended)
    return 0


def all_local_dicts_for_greenlet(greenlet):
    """Return [((type, id), dictionary), ...]: what the greenlet has in each `local` that there is."""
    cdef _Share share
    cdef local each
    found = []
    for address in list(_locals.values()):
        each = <local><PyObject*><size_t>address
        share = each._shares.get(id(greenlet))
        if share is not None:
            found.append(((type(each), id(each)), share.values))
    return found


publish(<PyObject*>local, "gevent._gevent_clocal.local")

__all__ = ["all_local_dicts_for_greenlet", "local"]
