"""A worker with secrets, listeners and files, whose sandbox is attacked. The tests start it as root and as nobody.

Its arguments are the sandbox, a folder of its own, and the ways out that are tried. Before them may be `--programs` if the
children may start one, and `--processes` if none is forked from a template. It writes JSON: what became of each way out,
what it noticed of them, as whom it ran, and how many templates.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.processing.sandbox import Limits, Sandbox, choose_sandbox
from jobs.settings import ProcessingSettings

EVIL = Path(__file__).with_name("evil_child.py")
LIMITS = Limits(seconds=60, cpu_seconds=30, memory=1 << 30, file_size=1 << 20, silence=60)
BOMB = 300
"""Processes of the fork bomb."""
AT_ONCE = 4


class Attacked:
    """What there is outside of the sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, *, programs: bool) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.programs = programs
        self.signals = 0
        self.memory = ctypes.create_string_buffer(b"a secret in memory")
        self.shared_memory = ctypes.CDLL(None).shmget(0, 4096, 0o1600)
        self.victim = folder / "victim"
        self.victim.write_text("untouched")
        self.victim.chmod(0o600)
        self.touched = self.victim.stat()
        (folder / "secret").write_text("a secret")
        (folder / "readable").write_text("readable")
        (folder / "other").mkdir()
        (folder / "other" / "source").write_text("the source of another job")
        self.program = folder / "program"
        shutil.copy("/bin/true", self.program)
        # A careless worker leaves a file open for its children.
        os.set_inheritable(os.open(folder / "secret", os.O_RDONLY), True)  # noqa: FBT003
        signal.signal(signal.SIGUSR1, self._count)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / "unix"))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0{folder}")
        self.unix.listen()
        self.abstract.listen()

    def _count(self, *_: object) -> None:
        self.signals += 1

    def described(self) -> dict[str, Any]:
        return {
            "abstract": str(self.folder),
            "bomb": BOMB,
            "file_size": LIMITS.file_size,
            "folder": str(self.folder),
            "memory_address": ctypes.addressof(self.memory),
            "memory_size": len(self.memory),
            "other_scratch": str(self.folder / "other"),
            "package": sys.modules["jobs"].__file__,
            "program": str(self.program),
            "readable": str(self.folder / "readable"),
            "secret": str(self.folder / "secret"),
            "shared_memory": self.shared_memory,
            "tcp": self.tcp.getsockname()[1],
            "udp": self.udp.getsockname()[1],
            "unix": self.unix.getsockname(),
            "victim": str(self.victim),
            "worker": os.getpid(),
        }

    async def attack(self, way: str) -> dict[str, str]:
        """Let a child try one way out."""
        scratch = self.folder / f"scratch-{way}"
        scratch.mkdir()
        evil = scratch / "evil_child.py"
        shutil.copyfile(EVIL, evil)
        lines: list[bytes] = []
        readable = [self.folder / "readable", *([self.program] if self.programs else [])]
        argv = [sys.executable, "-I", str(evil), way]
        request = json.dumps(self.described()).encode() + b"\n"
        ended = await self.sandbox.run(argv, scratch, request, LIMITS, lines.append, readable=readable)
        outcome: dict[str, str] = json.loads(lines[0]) if lines else {"refused": f"It was ended: {ended}"}
        return outcome

    def noticed(self) -> list[str]:
        """What of the attacks has arrived here."""
        found = [f"{self.signals} signals"] if self.signals else []
        for name in ("tcp", "unix", "abstract"):
            listener: socket.socket = getattr(self, name)
            listener.settimeout(0)
            with suppress(BlockingIOError):
                listener.accept()[0].close()
                found.append(f"a connection by {name}")
        self.udp.settimeout(0)
        with suppress(BlockingIOError):
            found.append(f"a datagram {self.udp.recv(100)!r}")
        now = self.victim.stat()
        if (now.st_size, now.st_mode, now.st_mtime) != (
            self.touched.st_size,
            self.touched.st_mode,
            self.touched.st_mtime,
        ):
            found.append("a changed file")
        if (self.folder / "readable").stat().st_size == 0:
            found.append("a truncated file")
        return found + [f"a file {path.name}" for path in self.folder.glob("written-*")]


async def main(name: str, folder: Path, ways: list[str], options: set[str]) -> None:
    sandbox = choose_sandbox(ProcessingSettings(sandbox=name), templates="--processes" not in options)
    attacked = Attacked(sandbox, folder, programs="--programs" in options)
    slots = asyncio.Semaphore(AT_ONCE)

    async def attack(way: str) -> tuple[str, dict[str, str]]:
        async with slots:
            return way, await attacked.attack(way)

    outcomes = dict(await asyncio.gather(*map(attack, ways)))
    ctypes.CDLL(None).shmctl(attacked.shared_memory, 0, None)
    told = {"noticed": attacked.noticed(), "user": os.getuid(), "templates": len(sandbox.templates)}
    sys.stdout.write(json.dumps({"outcomes": outcomes, **told}))


if __name__ == "__main__":
    given = {argument for argument in sys.argv[3:] if argument.startswith("--")}
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), [way for way in sys.argv[3:] if way not in given], given))
