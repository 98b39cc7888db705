"""The native half of gevent: one built module per noun, all of them on one shared library, libgevent_native.

Private. What users import are the modules above, which hand these names on.
"""

__all__ = []
