"""Clients that upload. Each function is called in a process of its own, and returns seconds."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import io
import json
import os
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from time import perf_counter
from urllib.parse import urljoin, urlsplit

from app.cli.client import ApiClient
from app.cli.uploading.upload_command import upload
from tests.bench.effort import MIB

BLOCK = MIB
"""Bytes that are read and sent at once."""
BOUNDARY = "bench"


def send_directly(server: str, path: Path, state: Path) -> float:
    """As `haulage upload` does, until the file is in the catalogue. `state`: a folder for its journal."""
    began = perf_counter()
    upload_files(server, [path], state)
    return perf_counter() - began


def upload_files(server: str, paths: Sequence[Path], state: Path) -> list[int]:
    """The same with several files; their ids in the catalogue."""
    os.environ["XDG_STATE_HOME"] = str(state)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        upload(ApiClient(server), paths, {}, as_json=True)
    return [one["id"] for one in json.loads(out.getvalue())]


def send_by_tus(url: str, path: Path) -> float:
    """By tus 1.0.0, as its clients do: creation, and one PATCH with the whole file, until its response."""
    began = perf_counter()
    location = _create(url, path.stat().st_size)
    with path.open("rb", buffering=0) as file:
        connection = http.client.HTTPConnection(urlsplit(location).netloc, timeout=300, blocksize=BLOCK)
        headers = _PATCH | {"Content-Length": str(path.stat().st_size)}
        connection.request("PATCH", urlsplit(location).path, body=file, headers=headers)
        response = connection.getresponse()
        answer = response.read()
    assert response.status == HTTPStatus.NO_CONTENT, answer
    return perf_counter() - began


_TUS = {"Tus-Resumable": "1.0.0"}
_NAME = f"filename {base64.b64encode(b'upload.bin').decode()}"
_PATCH = _TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}


def _create(url: str, size: int) -> str:
    """The URL of a new upload."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = _TUS | {"Upload-Length": str(size), "Upload-Metadata": _NAME, "Content-Length": "0"}
    connection.request("POST", urlsplit(url).path, headers=headers)
    response = connection.getresponse()
    answer = response.read()
    assert response.status == HTTPStatus.CREATED, (response.status, answer)
    return urljoin(url, response.headers.get("Location", ""))


_FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
_AFTER = f"\r\n--{BOUNDARY}--\r\n".encode()


def _before(name: str) -> bytes:
    """What a form has before the bytes of its file."""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()


def send_forms(url: str, sizes: Sequence[int], clients: int) -> list[float]:
    """Files by forms, from several clients at once: for each the seconds from its last byte to the response."""
    queue = deque(sizes)

    async def send_some() -> list[float]:
        return [await _send_form(url, queue.popleft()) for _ in range(len(sizes)) if queue]

    async def send_all() -> list[float]:
        return list(chain.from_iterable(await asyncio.gather(*(send_some() for _ in range(clients)))))

    return asyncio.run(send_all())


async def _send_form(url: str, size: int) -> float:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.transport.set_write_buffer_limits(0)  # `drain` returns once everything has left
    before = _before(f"{size}.bin")
    headers = {"Host": address.netloc, "Content-Length": f"{len(before) + size + len(_AFTER)}", **_FORM}
    lines = [f"POST {address.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + before)
    block = os.urandom(min(size, BLOCK))
    for start in range(0, size, BLOCK):
        writer.write(block[: size - start])
        await writer.drain()
    writer.write(_AFTER)
    await writer.drain()
    began = perf_counter()
    head = await reader.readuntil(b"\r\n\r\n")
    taken = perf_counter() - began
    writer.close()
    assert head.split(b" ", 2)[1] == b"202", head
    return taken
