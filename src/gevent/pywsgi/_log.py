"""What `gevent.pywsgi` writes its logs to, when that is not a file."""

import logging

__all__ = ["LoggingLogAdapter", "as_log", "short"]

_SHORT = 200


def short(text):
    """Return `text`, or its beginning if it is longer than a line of a log should be."""
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


class LoggingLogAdapter:
    """Lets a `logging.Logger` be written to like a file: one record of `level` per line.

    All other attributes, also when set or deleted, are those of `logger`.
    """

    __slots__ = ("_logger", "_level")

    def __init__(self, logger, level=logging.INFO):
        object.__setattr__(self, "_logger", logger)
        object.__setattr__(self, "_level", level)

    def write(self, msg):
        """Log `msg`, less the newline at its end, which the logger adds itself."""
        self._logger.log(self._level, msg[:-1] if msg.endswith("\n") else msg)

    def writelines(self, lines):
        """Log each of `lines`."""
        for msg in lines:
            self.write(msg)

    def flush(self):
        """Do nothing: the handlers of a logger flush themselves."""

    def __setattr__(self, attribute, value):
        setattr(self._logger, attribute, value)

    def __delattr__(self, attribute):
        delattr(self._logger, attribute)

    def __getattr__(self, attribute):
        return getattr(self._logger, attribute)


class _NoopLog:
    """A file that swallows everything."""

    def write(self, *args, **kwargs):
        return

    writelines = write

    def flush(self):
        return


def as_log(log, default):
    """Return the file-like object that a `log` argument stands for: "default", None, a logger or a file."""
    if log == "default":
        return default
    if log is None or log is False:
        return _NoopLog()
    if hasattr(log, "log") and not hasattr(log, "write"):
        return LoggingLogAdapter(log)
    return log
