"""``python -m gevent info``: what a bug report should have in it. Prints, and always ends with 0."""

import os
import sys
import sysconfig

from gevent_mp import doctor
from gevent_mp._companions import version_of

__all__ = ["main"]

_COMPANIONS = (
    "zope.event",
    "zope.interface",
    "httptools",
    "dnspython",
    "psutil",
    "gunicorn",
    "locust",
    "celery",
    "gipc",
)


def main():
    """Print the doctor's report, gevent's settings in the environment and the versions of companions; return 0."""
    print(doctor.text_of(doctor.report()))
    print(f"{'interpreter':<14} {sys.version}")
    print(f"{'built with':<14} {sysconfig.get_config_var('CC') or 'unknown'}")
    for name in _COMPANIONS:
        version = version_of(name)
        if version:
            print(f"{name:<14} {version}")
    for name in sorted(os.environ):
        if name.startswith("GEVENT"):
            print(f"{name}={os.environ[name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
