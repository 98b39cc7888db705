"""How an error nobody caught is put into words.

It may be about anything, at any time: what is reported may itself be broken, and that must not hide the error.
"""

from gevent._util import gmctime

__all__ = ["write_report"]


def write_report(stream, format_context, context, kind, error, traceback):
    """Write `error` with its traceback to `stream`, and what failed with it: `context`, None or in words.

    format_context
        puts anything else than text into words.

    Raises what the stream raises.
    """
    import traceback as formatter  # not before there is an error to print: a sixth of what importing gevent costs

    if error is None:
        stream.write(f"{kind.__name__}\n")
    else:
        stream.write("".join(formatter.format_exception(kind, error, traceback)))
    if context is None:
        return
    subject = context
    if not isinstance(context, str):
        try:
            subject = format_context(context)
        except Exception:  # noqa: BLE001 - the error being reported matters more than this one
            stream.write(formatter.format_exc())
            subject = _short(context)
    stream.write(f"{gmctime()} {subject} failed with {getattr(kind, '__name__', 'exception')}\n\n")


def _short(context):
    try:
        return repr(context)
    except Exception:  # noqa: BLE001 - format_context has failed likewise, and told
        return object.__repr__(context)
