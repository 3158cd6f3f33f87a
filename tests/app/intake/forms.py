"""Clients that send forms: the real curl, and one that sends as much of a body as a test wishes."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from typing import Any

from tests.helpers.raw_http import Answer, RawClient

BOUNDARY = "haulage"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True)
class Curled:
    """What curl got: the status, the body, and how many redirects it has followed."""

    code: int
    status: int
    redirects: int
    sent: int
    """Bytes of bodies, over all requests."""
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def curl(url: str, *arguments: str) -> Curled:
    written = r"\n%{http_code} %{num_redirects} %{size_upload}"
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", url, *arguments, "-w", written, stdout=PIPE, stderr=PIPE
    )
    out, errors = await process.communicate()
    body, _, numbers = out.decode().rpartition("\n")
    status, redirects, sent = numbers.split()
    return Curled(process.returncode or 0, int(status), int(redirects), int(sent), body or errors.decode())


async def begin(client: RawClient, size: int | None, *headers: str, path: str = "/v1/upload/form") -> None:
    """Sends the head of a request with a form, whose file has `size` bytes; None: as many as come, in chunks."""
    length = "Transfer-Encoding: chunked" if size is None else f"Content-Length: {len(HEAD) + size + len(END)}"
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        length,
        *headers,
    ]
    await client.send("".join(f"{line}\r\n" for line in [*lines, ""]).encode())


async def answered(client: RawClient, seconds: float = 30) -> Answer:
    async with asyncio.timeout(seconds):
        return await client.answer()
