"""``python -m gevent_mp.doctor``: what is installed, how it runs here, what is wrong and the line that mends it.

Works also where ``gevent`` itself is missing, broken or another's. ``python -m gevent doctor`` is the same.
"""

import argparse
import json
import platform
import sys

from gevent_mp import _companions, _limits
from gevent_mp._installation import (
    PACKAGE,
    SITE,
    changed_files,
    distributions,
    foreign_files,
    gevent_found,
    is_checkout,
    own_record,
    tree,
)
from gevent_mp._mending import mend_other_gevent, mend_whole, repair_line

__all__ = ["main", "report", "text_of"]


def report():
    """Return all that the doctor knows, as one dictionary that JSON can express.

    ``versions``, ``loop``, ``resolver``, ``patched``, ``start_method``, ``owner``, ``limits``, ``notes`` (sentences)
    and ``problems``, each with ``problem`` and ``mend``, the line to type. Imports gevent, makes a hub for a moment,
    and does not raise. From gevent-mp; gevent has no such thing.
    """
    problems, notes = [], []
    owner = _owner(problems, notes)
    running = _running(problems) if owner["is"] == "gevent-mp" else {}
    problems += _companions.problems(running.get("version"))
    notes += _companions.notes(running.get("version"))
    problems += _limits.problems()
    return {
        "versions": {
            "gevent": running.get("version"),
            "gevent-mp": running.get("mp_version"),
            "native modules": running.get("native_version"),
            "greenlet": _companions.version_of("greenlet"),
            "python": platform.python_version(),
            "platform": platform.platform(),
            **running.get("libraries", {}),
        },
        "loop": running.get("loop"),
        "resolver": running.get("resolver"),
        "patched": running.get("patched"),
        "start_method": running.get("start_method"),
        "owner": owner,
        "limits": _limits.limits(),
        "notes": notes,
        "problems": problems,
    }


def _problem(text, mend):
    return {"problem": text, "mend": mend}


def _owner(problems, notes):
    found, record = gevent_found(), own_record()
    changed = changed_files(record)
    owner = {
        "is": None,
        "file": found and found["file"],
        "installed_in": str(SITE),
        "kind": "checkout" if is_checkout() else "wheel" if record else "copy",
        "files": len(record),
        "changed_files": changed,
        "hashes": "match" if record and not changed else "differ" if changed else "unknown",
        "distributions": [folder.name for folder in distributions("gevent-mp") + distributions("gevent")],
    }
    if found is None or found["file"] is None:
        problems.append(_problem("there is no gevent to import, or an empty folder of that name", mend_whole()))
    elif found["mp_version"] is None:
        owner["is"] = "gevent"
        problems.append(
            _problem(
                f"import gevent finds gevent {found['version']} at {found['file']}, not gevent-mp at {tree()}",
                mend_other_gevent(found["file"]),
            )
        )
    else:
        owner["is"] = "gevent-mp"
    if changed:
        missing = f"{len(changed)} files of gevent-mp are missing or changed, such as {changed[0]}"
        problems.append(_problem(missing, mend_whole()))
    _say_what_is_beside(record, notes)
    return owner


def _say_what_is_beside(record, notes):
    foreign = foreign_files(record)
    if foreign:
        notes.append(
            f"another gevent lies beside gevent-mp ({len(foreign)} files, such as {foreign[0]}); it is not used. "
            f"{repair_line()} removes it"
        )


def _running(problems):
    try:
        return _ask_gevent()
    except Exception as error:  # whatever a broken installation raises is what the doctor is asked about
        mend = getattr(error, "mend", None) or mend_whole()  # gevent says itself what mends it, if it gets so far
        problems.append(_problem(f"gevent cannot be used: {type(error).__name__}: {error}", mend))
        return {}


def _ask_gevent():
    import multiprocessing

    from gevent._native.hub import VERSION

    import gevent

    hub = gevent.get_hub()
    loop = hub.loop
    return {
        "version": gevent.__version__,
        "mp_version": gevent.__mp_version__,
        "native_version": VERSION,
        "libraries": _libraries(),
        "loop": {
            "class": f"{type(loop).__module__}.{type(loop).__qualname__}",
            "engine": type(loop).__module__.split(".")[1],
            "backend": loop.backend,
            "wakeup": loop.wakeup,
        },
        "resolver": f"{type(hub.resolver).__module__}.{type(hub.resolver).__qualname__}",
        "patched": _patched(),
        "start_method": multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0],
    }


def _patched():
    """Return what is patched in this process, with which arguments, where in the program, and after which imports."""
    from gevent import monkey
    from gevent.monkey import _state

    arguments = monkey.saved.get(_state.PATCH_ALL_ARGUMENTS, {})
    return {
        "modules": sorted(name for name in monkey.saved if name[0] != "_"),
        "patch_all": {name: value for name, value in arguments.items() if isinstance(value, bool)},
        "when": _state.first_patching(),
    }


def _libraries():
    from gevent.libev import corecext as libev
    from gevent.libuv import loop as libuv

    return {"libev": libev.get_version().removeprefix("libev-"), "libuv": libuv.get_version().removeprefix("libuv-")}


def text_of(found):
    """Return such a `report` as lines for people."""
    versions, owner = found["versions"], found["owner"]
    lines = [f"{name:<14} {version}" for name, version in versions.items() if version]
    lines.append(f"{'installed in':<14} {owner['installed_in']} ({owner['kind']})")
    lines.append(f"{'import gevent':<14} {owner['file']} ({owner['is'] or 'nobody'}'s)")
    lines.append(f"{'hashes':<14} {owner['hashes']} ({owner['files']} files)")
    if found["loop"]:
        lines.append(f"{'loop':<14} {found['loop']['engine']}, {found['loop']['backend']}")
        lines.append(f"{'wake-up':<14} {found['loop']['wakeup']}")
        lines.append(f"{'resolver':<14} {found['resolver']}")
        lines.append(f"{'start method':<14} {found['start_method']}")
        lines.append(f"{'patched':<14} {', '.join(found['patched']['modules']) or 'nothing'}")
        lines += _when(found["patched"]["when"])
    lines += [f"{name.replace('_', ' '):<18} {_readable(value)}" for name, value in found["limits"].items()]
    lines += [f"note: {note}" for note in found["notes"]]
    for each in found["problems"]:
        lines += [f"PROBLEM: {each['problem']}", f"   type: {each['mend']}"]
    return "\n".join(lines)


def _when(first):
    if first is None:
        return []
    after = f", after {', '.join(first['after'])}" if first["after"] else ""
    return [f"{'patched at':<14} {first['at']}, after {first['seconds']} s of processor time{after}"]


def _readable(value):
    return "no limit" if value is None else value


def main(arguments=None):
    """Print the report; return 1 if there is a problem, else 0."""
    parser = argparse.ArgumentParser(prog="python -m gevent_mp.doctor", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    found = report()
    if options.json:
        print(json.dumps(found, indent=2, default=str))
    else:
        print(text_of(found))
        print(f"{len(found['problems'])} problems" if found["problems"] else f"no problem found in {PACKAGE.parent}")
    return 1 if found["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
