"""``python -m gevent_mp.repair``: remove what gevent's own distribution left beside gevent-mp.

Its files, its metadata, and whatever else in the folder ``gevent`` is nobody's; then gevent-mp's metadata in gevent's
name, if somebody has removed that, is written again. Nothing of gevent-mp is touched, and nothing is downloaded.
"""

import argparse
import shutil
import sys

from gevent_mp._installation import (
    PACKAGE,
    SITE,
    changed_files,
    distributions,
    foreign_files,
    own_record,
    tree,
)
from gevent_mp._mending import mend_whole
from gevent_mp._wheel import front_path, planted_files

__all__ = ["main", "repair"]


def repair(dry_run=False):
    """Remove what is not ours, and return the paths of it, relative to where gevent-mp is installed.

    With `dry_run` they are only returned. Raises RuntimeError in a checkout, where nothing was installed.
    """
    record = own_record()
    if not record:
        raise RuntimeError(f"{PACKAGE} was not installed from a wheel: there is nothing to repair")
    removed = foreign_files(record)
    removed += [folder.relative_to(SITE) for folder in distributions("gevent") if _is_anothers(folder, record)]
    if dry_run:
        return removed
    for path in removed:
        whole = SITE / path
        shutil.rmtree(whole) if whole.is_dir() else whole.unlink()
        _remove_empty(whole.parent)
    if tree() != SITE:
        shutil.rmtree(SITE / "gevent", ignore_errors=True)  # empty folders and bytecode; what is ours comes again
        for front in PACKAGE.glob("_front.*"):
            (SITE / "gevent").mkdir()
            shutil.copy2(front, SITE / front_path(front))
    _plant_again(record)
    return removed


def _is_anothers(folder, record):
    return not any(path.startswith(folder.name + "/") for path in record)


def _remove_empty(folder):
    """Remove `folder` and those it lies in, up to the package, if bytecode is all that is left of them."""
    while folder.name != "gevent" and folder.is_relative_to(tree() / "gevent"):
        if any(path.name != "__pycache__" for path in folder.iterdir()):
            return
        shutil.rmtree(folder)
        folder = folder.parent


def _plant_again(record):
    init = (tree() / "gevent" / "__init__.py").read_text(encoding="utf-8")
    for name, text in planted_files(init).items():
        if name in record and not (SITE / name).exists():
            (SITE / name).parent.mkdir(exist_ok=True)
            (SITE / name).write_text(text, encoding="utf-8")


def main(arguments=None):
    """Repair, say what was removed, and return 0; 1 if files of gevent-mp itself are missing or changed."""
    parser = argparse.ArgumentParser(prog="python -m gevent_mp.repair", description=__doc__.partition("\n")[0])
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    options = parser.parse_args(arguments)
    try:
        removed = repair(options.dry_run)
    except RuntimeError as error:
        print(error)
        return 1
    for path in removed:
        print(f"{'would remove' if options.dry_run else 'removed'} {SITE / path}")
    broken = changed_files(own_record())
    if broken:
        print(f"{len(broken)} files of gevent-mp are missing or changed. To mend it, type: {mend_whole()}")
        return 1
    print("nothing is left to repair" if not options.dry_run else f"{len(removed)} to remove")
    return 0


if __name__ == "__main__":
    sys.exit(main())
