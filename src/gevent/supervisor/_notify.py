"""What systemd is told of a service: ready, reloading, stopping, and that it lives."""

import os
import socket as _stdlib_socket
import time

__all__ = ["Notifier"]


class Notifier:
    """Sends to the socket that ``NOTIFY_SOCKET`` names, or nowhere. Never waits, never raises: systemd may be gone."""

    def __init__(self, environment=os.environ):
        # Taken out, so that no child speaks in our name.
        self._address = environment.pop("NOTIFY_SOCKET", None)
        usec, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", str(os.getpid()))
        meant = usec.isdigit() and pid == str(os.getpid())
        #: How often `alive` must be called, in seconds; None if nobody waits for it.
        self.watchdog_interval_s = int(usec) / 2e6 if meant and self._address else None

    def ready(self):
        """The service answers."""
        self._send("READY=1")

    def reloading(self):
        """The service is about to answer with other code; `ready` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self):
        """The service ends."""
        self._send("STOPPING=1")

    def alive(self):
        """The service lives, for the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, text):
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with _stdlib_socket.socket(_stdlib_socket.AF_UNIX, _stdlib_socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), address)
        except OSError:
            pass  # nobody listens now, the queue is full, no descriptor is left: the next may get through
