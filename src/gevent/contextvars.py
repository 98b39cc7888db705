"""The `contextvars` module: a greenlet has a context of its own already.

Since greenlet 1.0 each greenlet carries a `contextvars.Context`, so the standard library's classes are right for
greenlets as they are, patched or not.
"""

from contextvars import Context, ContextVar, Token, copy_context

__implements__ = []
__imports__ = ["Context", "ContextVar", "Token", "copy_context"]
__all__ = ["Context", "ContextVar", "Token", "copy_context"]
