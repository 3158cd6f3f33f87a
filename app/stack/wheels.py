"""Programs that are installed as wheels, found without importing their packages."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from app.stack.errors import StackError


def in_package(package: str, pattern: str) -> Path:
    """Return the one file that matches the glob `pattern` below the import package. Raises `StackError` if missing."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in sorted(Path(folder).glob(pattern)):
            return found
    raise _missing(package, pattern)


def script(distribution: str, name: str) -> Path:
    """Return the program `name` that the distribution put among the scripts. Raises `StackError` if missing."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if file.stem == name and path.is_file():
            return path.resolve()
    raise _missing(distribution, name)


def _missing(package: str, what: str) -> StackError:
    return StackError(f"{package} ({what}) is not installed for this platform: pip install 'haulage[stack]'")
