"""Programs of Debian packages, unpacked into a folder of the user: installing them would need root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "haulage"


def debian_program(name: str, *packages: str) -> tuple[Path, dict[str, str]]:
    """Return a program and the environment that it needs: the machine's own, or that of these packages.

    `packages` are those that have the program and the libraries that a machine may lack. Skips the test where there are no
    Debian packages, except in CI, which has to run it.
    """
    installed = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if installed:
        return Path(installed), {}
    folder = CACHE / f"debian-{name}"
    if not folder.exists() and (reason := _unpack(folder, packages)):
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    [program] = folder.glob(f"usr/*bin/{name}")
    libraries = {str(path.parent) for path in folder.glob("usr/lib/**/*.so.*")}
    return program, {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}


def _unpack(folder: Path, packages: tuple[str, ...]) -> str:
    """Download and unpack the packages; return the reason if that is not possible."""
    if shutil.which("apt-get") is None:
        return f"{folder.name}: only Debian has {', '.join(packages)}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        new = Path(temporary, "new")
        new.mkdir()
        done = subprocess.run(
            ["apt-get", "download", "--quiet", *packages], cwd=temporary, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"`apt-get download {' '.join(packages)}` failed; `apt-get update` may help: {done.stderr.strip()}"
        for package in Path(temporary).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, new], check=True)
        if not folder.exists():  # another test process may have been faster
            new.rename(folder)
    return ""
