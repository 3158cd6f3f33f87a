"""The files that Python and its packages need: all that a decoder may read besides its source."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2]
"""The package `jobs`."""
LAUNCHER = PACKAGE / "processing" / "confinement" / "launcher.py"
TEMPLATE = LAUNCHER.with_name("template.py")
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/sys/kernel/mm/transparent_hugepage",
)
"""Libraries, the fonts of documents that have none of their own, and what glibc reads before it asks for huge pages."""


@cache
def readable_paths() -> list[Path]:
    """Return the files and folders that exist, without those that lie in others, sorted."""
    base = Path(sys.base_prefix)
    named = {Path(name) for name in _SYSTEM}
    named |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    named |= {base / "lib", base / "lib64", Path(sys.prefix) / "pyvenv.cfg", Path(sys.executable), PACKAGE}
    found = sorted(path for path in named if path.exists())
    return [path for path in found if not any(parent in named for parent in path.parents)]
