"""Make a wheel of gevent-mp into one whose distribution is itself named gevent, with a local version (26.9.0+mp0.1.0).

Usage: .venv/bin/python tools/flavour.py WHEEL [FOLDER]; the folder is the wheel's own by default. `make flavour` builds
that first.

For private indexes: whoever requires gevent gets it, and there is one owner of the folder gevent. Public indexes refuse
local versions. It has the same modules, in the places where gevent's own distribution has them: no tree apart, nothing
planted, no .pth file.
"""

import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
from gevent_mp._metadata import local_version  # noqa: E402
from gevent_mp._wheel import record_row  # noqa: E402

__all__ = ["main", "make_flavour"]

_INIT = "gevent_mp/tree/gevent/__init__.py"


def make_flavour(wheel, folder):
    """Write the wheel into `folder`, made if need be, and return its path."""
    with zipfile.ZipFile(wheel) as archive:
        contents = {each: archive.read(each) for each in archive.infolist()}
    init = next(content for each, content in contents.items() if each.filename == _INIT)
    version = local_version(init.decode())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / re.sub(r"^gevent_mp-[^-]+", f"gevent-{version}", wheel.name)
    rows = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in contents.items():
            name = _new_name(each.filename, version)
            if name is None:
                continue
            if name.endswith(".dist-info/METADATA"):
                content = _renamed(content.decode(), version).encode()
            each.filename = name
            archive.writestr(each, content)
            rows.append(record_row(name, content))
        record = f"gevent-{version}.dist-info/RECORD"
        archive.writestr(record, "".join(rows) + f"{record},,\n")
    return path


def _new_name(name, version):
    """Return where a file of the wheel goes, or None for what this one has no use for."""
    first = name.partition("/")[0]
    if first in ("gevent", "gevent.py", "gevent-mp.pth") or first.endswith(".data") or name.endswith("/RECORD"):
        return None
    if name.startswith("gevent_mp/_front."):
        return None
    if first.endswith(".dist-info"):
        return f"gevent-{version}.dist-info{name.removeprefix(first)}"
    return name.removeprefix("gevent_mp/tree/")


def _renamed(metadata, version):
    metadata = re.sub(r"^Name: .*", "Name: gevent", metadata, count=1, flags=re.MULTILINE)
    return re.sub(r"^Version: .*", f"Version: {version}", metadata, count=1, flags=re.MULTILINE)


def main(words):
    wheel = Path(words[0])
    print(make_flavour(wheel, Path(words[1]) if len(words) > 1 else wheel.parent))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1:])
