"""How a wheel of gevent-mp is laid out; for setup.py.

The build has put gevent and gevent_mp side by side, as they are in the sources; see `gevent_mp` for why they do not
stay so.
"""

import shutil
import zipfile
from pathlib import Path

from gevent_mp._installation import digest_of
from gevent_mp._metadata import INSTALLER, local_version, metadata_text, wheel_text

__all__ = ["add_to_editable", "front_path", "lay_out", "planted_files", "record_row"]

_PTH = "import gevent_mp._path; gevent_mp._path.start()\n"


def lay_out(root, data_dir):
    """Move ``gevent`` in the folder `root` of an unpacked wheel into ``gevent_mp/tree``, and add what leads there.

    `data_dir` is the wheel's name for its folder of data: a wheel may have one ``.dist-info`` at its root and no more,
    so gevent's goes there.
    """
    root = Path(root)
    package, tree = root / "gevent_mp", root / "gevent_mp" / "tree"
    tree.mkdir()
    (root / "gevent").rename(tree / "gevent")
    (package / "_shim.py").rename(root / "gevent.py")
    (front,) = package.glob("_front.*")
    (root / "gevent").mkdir()
    shutil.copy2(front, root / front_path(front))  # and `gevent_mp.repair` copies it again, if need be
    (root / "gevent-mp.pth").write_text(_PTH, encoding="ascii")
    init = (tree / "gevent" / "__init__.py").read_text(encoding="utf-8")
    for name, text in planted_files(init).items():
        path = root / data_dir / "platlib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def front_path(front):
    """Return where the module `front` goes, relative to the folder that everything is installed in."""
    return Path("gevent") / front.name.replace("_front", "__init__", 1)


def planted_files(init_text):
    """Return {path: text} of the metadata that tells installers of gevent, for what ``gevent/__init__.py`` says."""
    version = local_version(init_text)
    folder = f"gevent-{version}.dist-info"
    return {
        f"{folder}/METADATA": metadata_text(version),
        f"{folder}/WHEEL": wheel_text(),
        f"{folder}/INSTALLER": INSTALLER + "\n",
    }


def add_to_editable(wheel, init_text):
    """Add the same to `wheel`, the path of one made by ``pip install -e``, whose modules stay in the sources."""
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    (record,) = (name for name in contents if name.endswith(".dist-info/RECORD"))
    data = record.replace(".dist-info/RECORD", ".data/platlib/")
    added = {"gevent-mp.pth": _PTH, **{data + name: text for name, text in planted_files(init_text).items()}}
    for name, text in added.items():
        contents[name] = text.encode()
        contents[record] = record_row(name, contents[name]).encode() + contents[record]
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def record_row(name, content):
    """Return the line of RECORD for the file `name` with the bytes `content`."""
    return f"{name},{digest_of(content)},{len(content)}\n"
