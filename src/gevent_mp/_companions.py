"""Packages that do not go together with gevent-mp as they are installed here, and the line that mends each."""

import re
from importlib import metadata

from gevent_mp._mending import uninstalls, upgrades

__all__ = ["problems", "version_of"]


def version_of(name):
    """Return the version of the distribution `name`, or None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def problems(gevent_version):
    """Return a list of {"problem", "mend"} about companions, for a gevent that calls itself `gevent_version`."""
    found = []
    if version_of("geventmp"):
        found.append(
            _problem("geventmp is installed: it patches multiprocessing a second time", uninstalls("geventmp"))
        )
    gipc = version_of("gipc")
    if gipc and _numbers(gipc) < (1, 5):
        found.append(_problem(f"gipc {gipc} does not know this gevent's hub", upgrades("'gipc>=1.5'")))
    least = _least_gevent_of("gunicorn")
    if gevent_version and least and _numbers(gevent_version) < _numbers(least):
        found.append(
            _problem(
                f"gunicorn's gevent worker refuses a gevent older than {least}; this one calls itself {gevent_version}",
                upgrades("gevent-mp"),
            )
        )
    return found


def _least_gevent_of(name):
    try:
        requirements = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return None
    for requirement in requirements:
        least = re.match(r"gevent\b.*?>=\s*([\d.]+)", requirement)
        if least:
            return least.group(1)
    return None


def _numbers(version):
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0]))


def _problem(text, mend):
    return {"problem": text, "mend": mend}
