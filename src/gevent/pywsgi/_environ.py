"""WSGI environments that do not give away passwords when they are printed.

An application's environment holds cookies and authorization headers, and it ends up in logs: the hub prints the context
of an exception, and for an exception in an application that context is its environment. Applications get plain dicts
by default, as the WSGI specification asks; the hub gets a `WSGISecureEnviron`.
"""

__all__ = ["Environ", "SecureEnviron", "WSGISecureEnviron"]


class Environ(dict):
    """A dict for an environment. Copies are of the same class, pickles are plain dicts."""

    __slots__ = ()

    def copy(self):
        """Return a shallow copy, which hides what this one hides."""
        return type(self)(self)

    def iteritems(self):
        """Return an iterator over the items. For code from the days of Python 2."""
        return iter(self.items())

    def __reduce_ex__(self, proto):
        return dict, (), None, None, iter(self.items())


class SecureEnviron(Environ):
    """An `Environ` whose ``repr()`` shows what it is allowed to show.

    Three settings decide, each of which an instance may have or take from the class, as ``default_…``:
    `secure_repr` (off: everything is shown), `whitelist_keys` (the values of which keys are shown; if empty, only the
    number of keys is) and `print_masked_keys` (whether the other keys are shown without their values).
    """

    default_secure_repr = True
    default_whitelist_keys = ()
    default_print_masked_keys = True

    __slots__ = ("secure_repr", "whitelist_keys", "print_masked_keys")

    def __getattr__(self, name):
        if name not in SecureEnviron.__slots__:
            raise AttributeError(name)
        return getattr(type(self), f"default_{name}")

    def __repr__(self):
        if not self.secure_repr:
            return super().__repr__()
        shown = self.whitelist_keys
        if not shown:
            return f"<pywsgi.SecureEnviron dict (keys: {len(self)}) at {id(self)}>"
        if self.print_masked_keys:
            return repr({key: value if key in shown else "<MASKED>" for key, value in self.items()})
        visible = {key: value for key, value in self.items() if key in shown}
        hidden = len(self) - len(visible)
        if not hidden:
            return repr(visible)
        items = [f"{key!r}: {value!r}" for key, value in visible.items()]
        return "".join(("{", ", ".join([*items, f"(hidden keys: {hidden})"]), "}"))

    __str__ = __repr__


class WSGISecureEnviron(SecureEnviron):
    """A `SecureEnviron` that shows where a request came from and which host it was for."""

    default_whitelist_keys = ("REMOTE_ADDR", "REMOTE_PORT", "HTTP_HOST")
    default_print_masked_keys = False
