"""Packaging: what pyproject.toml cannot say.

The native half is built by CMakeLists.txt, through scikit-build-core's setuptools plugin. A wheel is laid out anew once
it is built; `gevent_mp` says how and why.
"""

import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.editable_wheel import editable_wheel

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "src"))
from gevent_mp import _metadata, _wheel  # noqa: E402

# Read, not imported: gevent is not built yet.
INIT = (HERE / "src" / "gevent" / "__init__.py").read_text(encoding="utf-8")
VERSION = _metadata.own_version(INIT)


class WheelWithATree(bdist_wheel):
    """A wheel that shares no file with gevent's."""

    def write_wheelfile(self, wheelfile_base, *arguments, **keywords):
        """Called when all files are in place and none is packed yet."""
        super().write_wheelfile(wheelfile_base, *arguments, **keywords)
        if Path(wheelfile_base).parent == Path(self.bdist_dir):  # not for an editable one, whose files stay in the tree
            _wheel.lay_out(self.bdist_dir, self.data_dir)


class EditableAheadOfOthers(editable_wheel):
    """What ``pip install -e`` installs: goes before a gevent that is installed too, and stands in for it."""

    def run(self):
        super().run()
        (wheel,) = Path(self.dist_dir).glob(f"gevent_mp-{VERSION}-*.editable-*.whl")
        _wheel.add_to_editable(wheel, INIT)


setup(
    version=VERSION,
    package_dir={"": "src"},
    packages=find_packages("src"),
    include_package_data=False,
    package_data={"": ["*.pyi", "py.typed"]},
    zip_safe=False,
    cmake_source_dir=".",
    cmdclass={"bdist_wheel": WheelWithATree, "editable_wheel": EditableAheadOfOthers},
)
