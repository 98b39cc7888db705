"""What this process may have: descriptors, processes, file sizes, processors, memory."""

import os
import resource
from pathlib import Path

__all__ = ["limits", "problems"]

_CGROUP = Path("/sys/fs/cgroup")
_DESCRIPTORS_MIN = 256


def limits():
    """Return the limits by name; numbers, or None for none. Memory and file sizes are bytes, processors processors."""
    return {
        "descriptors": _limit(resource.RLIMIT_NOFILE),
        "descriptors_hard": _limit(resource.RLIMIT_NOFILE, 1),
        "processes": _limit(resource.RLIMIT_NPROC),
        "file_size": _limit(resource.RLIMIT_FSIZE),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cgroup_processors": _cgroup_processors(),
        "cgroup_memory": _number(_read("memory.max")),
        "cgroup_processes": _number(_read("pids.max")),
    }


def problems():
    """Return a list of {"problem", "mend"} about limits that are too low to work with."""
    now = limits()["descriptors"]
    if now is None or now >= _DESCRIPTORS_MIN:
        return []
    return [
        {
            "problem": f"this process may open {now} descriptors only; each connection and each child takes some",
            "mend": "ulimit -n 4096",
        }
    ]


def _limit(which, index=0):
    value = resource.getrlimit(which)[index]
    return None if value == resource.RLIM_INFINITY else value


def _read(name):
    for folder in (_own_cgroup(), _CGROUP):
        try:
            return (folder / name).read_text(encoding="ascii").split()
        except OSError:
            continue  # no version 2 hierarchy here, or this file is not in it
    return []


def _own_cgroup():
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return _CGROUP
    paths = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return _CGROUP / paths[0] if paths else _CGROUP


def _number(words):
    return int(words[0]) if words and words[0].isdigit() else None


def _cgroup_processors():
    words = _read("cpu.max")
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdigit() else None
