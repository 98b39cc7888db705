"""``python -m gevent_mp.stub DIR``: write a wheel that is gevent in name only, for private indexes and find-links.

It requires gevent-mp, has a version that every requirement of the gevent it stands in for accepts, and no code. With
``gevent==<that version>`` among the constraints, an installer takes it wherever a package asks for gevent.
"""

import argparse
import sys
import zipfile
from pathlib import Path

from gevent_mp._installation import tree
from gevent_mp._metadata import local_version, metadata_text, own_version, wheel_text
from gevent_mp._wheel import record_row

__all__ = ["main", "write_stub"]

# Wheels are compared by their bytes: the earliest time that a zip file can name.
_TIME = (1980, 1, 1, 0, 0, 0)


def write_stub(directory):
    """Write the wheel into the folder `directory`, made if need be, and return its path."""
    init = (tree() / "gevent" / "__init__.py").read_text(encoding="utf-8")
    version = local_version(init)
    info = f"gevent-{version}.dist-info"
    contents = {
        f"{info}/METADATA": metadata_text(version, [f"gevent-mp>={own_version(init)}"]),
        f"{info}/WHEEL": wheel_text(),
    }
    rows = [record_row(name, text.encode()) for name, text in contents.items()]
    contents[f"{info}/RECORD"] = "".join(rows) + f"{info}/RECORD,,\n"

    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"gevent-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _TIME), text)
    return path


def main(arguments=None):
    """Write the wheel and print its path; return 0."""
    parser = argparse.ArgumentParser(prog="python -m gevent_mp.stub", description=__doc__.partition("\n")[0])
    parser.add_argument("directory", metavar="DIR", help="the folder to write it into")
    print(write_stub(parser.parse_args(arguments).directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
