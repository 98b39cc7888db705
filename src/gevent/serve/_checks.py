"""What is wrong with a configuration: found before anything is started, and said in one line."""

import os
import ssl
from types import SimpleNamespace

from gevent.serve._application import ConfigurationError

__all__ = ["check"]


def check(options):
    """Raise `ConfigurationError` for what no worker could use of `options`. Starts and leaves nothing."""
    _check_certificate(options)
    _check_server(options)
    if options.statsd:
        options.statsd = host_and_port("--statsd", options.statsd)
    if options.access_log and options.access_log != "-":
        _check_writable("--access-log", options.access_log)
    if options.pid:
        _check_writable("--pid", options.pid)


def _check_writable(option, path):
    existed = os.path.exists(path)
    try:
        with open(path, "a", encoding="utf-8"):
            pass
    except OSError as error:
        raise ConfigurationError(f"{option} {path}: {error.strerror}") from None
    if not existed:
        os.unlink(path)


def _check_certificate(options):
    if not options.certfile:
        return
    # A key that needs a password is refused, rather than asked for by each worker.
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certfile, options.keyfile, password=lambda: "")
    except (OSError, ValueError) as error:
        files = options.certfile if options.keyfile is None else f"{options.certfile} with {options.keyfile}"
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"cannot use the certificate {files}: {why}") from None


def _check_server(options):
    from gevent._native.http import LogFormat
    from gevent.pywsgi import _limits
    from gevent.pywsgi._proxies import TrustedProxies

    def attempt(option, make):
        try:
            make()
        except (ValueError, TypeError, OverflowError) as error:
            raise ConfigurationError(f"{option}: {error}") from None

    if options.log_format:
        attempt("--log-format", lambda: LogFormat(options.log_format))
    for each in options.trusted_proxy or ():
        attempt(f"--trusted-proxy {each}", lambda each=each: TrustedProxies([each]))
    for name, value in options.limits.items():
        limits = _limits.Limits(SimpleNamespace(**{name: value}))
        attempt(f"--{name.replace('_', '-')} {value}", limits.new_head)


def host_and_port(option, text):
    """Return (host, port) for ``HOST:PORT`` or ``[HOST]:PORT``. Raises `ConfigurationError` that names `option`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"{option} {text}: give HOST:PORT, such as 127.0.0.1:8125")
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host, int(port)
