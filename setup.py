"""Packaging: what pyproject.toml cannot say.

The native half is built by CMakeLists.txt, through scikit-build-core's setuptools plugin.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def version():
    """Read ``gevent.__version__`` without importing gevent, which is not built yet."""
    text = (HERE / "src" / "gevent" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r"""^__version__\s*=\s*["']([^"']+)["']""", text, re.MULTILINE).group(1)


setup(
    version=version(),
    package_dir={"": "src"},
    packages=find_packages("src"),
    include_package_data=False,
    zip_safe=False,
    cmake_source_dir=".",
)
