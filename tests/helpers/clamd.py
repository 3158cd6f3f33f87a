"""A real clamd, from its Debian package, with a few signatures of the tests' own."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.stack.ports import HOST, free_ports
from app.stack.processes import Command, Server, child_environment
from jobs.uploads.scanning.samples import eicar
from tests.helpers.debian import debian_program

PACKAGES = ("clamav-daemon", "libclamav12", "libmspack0", "libjson-c5", "libcurl4")
MAX_FILE_SIZE = 4 << 20
STREAM_MAX_LENGTH = 8 << 20
SIGNATURE = "Test.Eicar.UNOFFICIAL"
"""clamd adds the ending to signatures that are not signed."""
OPTIONS = {
    "AlertExceedsMax": "yes",
    "MaxFileSize": str(MAX_FILE_SIZE),
    "StreamMaxLength": str(STREAM_MAX_LENGTH),
}


class ClamdServer(Server):
    """A clamd whose socket and signatures are in `folder`. `options` are lines of its configuration, besides `OPTIONS`."""

    name = "clamd"

    def __init__(self, folder: Path, content: bytes, options: dict[str, str]) -> None:
        """`content`: what it has a signature for."""
        super().__init__(folder)
        self._folder = folder
        self._content = content
        self._options = OPTIONS | options
        [self._port] = free_ports([0])
        self._program, self._libraries = debian_program("clamd", *PACKAGES)
        self.socket = folder / "clamd.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def tcp_url(self) -> str:
        return f"tcp://{HOST}:{self._port}"

    def prepare(self) -> Command:
        signatures = self._folder / "signatures"
        signatures.mkdir(exist_ok=True)
        name = SIGNATURE.removesuffix(".UNOFFICIAL")
        (signatures / "test.ndb").write_text(f"{name}:0:*:{self._content.hex()}\n")
        digest = hashlib.sha256(self._content).hexdigest()
        (signatures / "test.hsb").write_text(f"{digest}:{len(self._content)}:{name}\n")
        options = {
            "Foreground": "yes",
            "DatabaseDirectory": str(signatures),
            "LocalSocket": str(self.socket),
            "TCPAddr": HOST,
            "TCPSocket": str(self._port),
            "TemporaryDirectory": str(self._folder),
        }
        lines = [f"{key} {value}\n" for key, value in {**options, **self._options}.items()]
        configuration = self._folder / "clamd.conf"
        configuration.write_text("".join(lines))
        return Command(
            [self._program, "--config-file", configuration],
            cwd=self._folder,
            env=child_environment(**self._libraries),
        )

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0


@contextmanager
def running_clamd(folder: Path, content: bytes | None = None, /, **options: str) -> Iterator[ClamdServer]:
    """Run a clamd that finds EICAR, or other content."""
    server = ClamdServer(folder, content or eicar(), options)
    try:
        server.start()
        yield server
    finally:
        server.stop()
