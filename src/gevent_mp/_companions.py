"""Packages that do not go together with gevent-mp as they are installed here, and the line that mends each."""

import re
from importlib import metadata

from gevent_mp._mending import uninstalls, upgrades
from gevent_mp._requirements import unmet

__all__ = ["notes", "problems", "version_of"]

# What it requires with an extra, it asks for again when it runs.
_CHECKS_ITSELF = "gunicorn"


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
    if gevent_version:
        found += [
            _problem(_says(each, gevent_version), _mends(each))
            for each in unmet(gevent_version)
            if each.extra is None or each.name == _CHECKS_ITSELF
        ]
    return found


def notes(gevent_version):
    """Return sentences about what is asked for with extras: nobody has written down whether those were wanted."""
    if gevent_version is None:
        return []
    return [
        f"{_says(each, gevent_version)}, with its extra {each.extra}. If that is in use, type: {_mends(each)}"
        for each in unmet(gevent_version)
        if each.extra is not None and each.name != _CHECKS_ITSELF
    ]


def _says(requirement, gevent_version):
    who = f"{requirement.name} {requirement.version}"
    return f"{who} requires {requirement.text}, and gevent-mp stands in for gevent {gevent_version}"


def _mends(requirement):
    return upgrades("gevent-mp" if requirement.wants_newer else requirement.name)


def _numbers(version):
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0]))


def _problem(text, mend):
    return {"problem": text, "mend": mend}
