"""How a wheel of gevent-mp is laid out; for setup.py.

The build has put gevent and gevent_mp side by side, as they are in the sources; see `gevent_mp` for why they do not
stay so.
"""

from pathlib import Path

from gevent_mp._metadata import INSTALLER, local_version, metadata_text, wheel_text

__all__ = ["lay_out"]


def lay_out(root, data_dir):
    """Move ``gevent`` in the folder `root` of an unpacked wheel into ``gevent_mp/tree``, and add what leads there.

    `data_dir` is the wheel's name for its folder of data: a wheel may have one ``.dist-info`` at its root and no more,
    so gevent's goes there.
    """
    root = Path(root)
    tree = root / "gevent_mp" / "tree"
    tree.mkdir()
    (root / "gevent").rename(tree / "gevent")
    (root / "gevent_mp" / "_shim.py").rename(root / "gevent.py")
    (root / "gevent-mp.pth").write_text("import gevent_mp._path; gevent_mp._path.go_first()\n", encoding="ascii")

    version = local_version((tree / "gevent" / "__init__.py").read_text(encoding="utf-8"))
    planted = root / data_dir / "platlib" / f"gevent-{version}.dist-info"
    planted.mkdir(parents=True)
    (planted / "METADATA").write_text(metadata_text(version), encoding="utf-8")
    (planted / "WHEEL").write_text(wheel_text(), encoding="ascii")
    (planted / "INSTALLER").write_text(INSTALLER + "\n", encoding="ascii")
