"""TLS in front of a server that speaks none, with certificates of the test's own.

The wheels of PostgreSQL and Valkey are built without TLS, so a proxy ends it, as stunnel or a cloud's load balancer does.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from jobs.concurrency import cancel_and_wait

CHUNK = 256 * 1024
_SSL_REQUEST = struct.pack("!ll", 8, 80877103)
"""PostgreSQL's request for TLS, which the server accepts with an S (section 54.2.11 of its documentation)."""


class Certificates:
    """A private CA, as files: its own certificate, and one that it gave to a client."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.client_cert, self.client_key = folder / "client.pem", folder / "client.key"
        self.authority.cert_pem.write_to_path(str(self.ca_file))
        client = self.authority.issue_cert("client@example.org")
        client.cert_chain_pems[0].write_to_path(str(self.client_cert))
        client.private_key_pem.write_to_path(str(self.client_key))
        self.client_key.chmod(0o600)

    def server_context(self, name: str = "127.0.0.1", *, client_certificates: bool = False) -> ssl.SSLContext:
        """The context of a server with a certificate for this name, which may require one of its clients."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(name).configure_cert(context)
        if client_certificates:
            self.authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@asynccontextmanager
async def tls_in_front(url: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """End TLS in front of the server of the URL, and pass everything on; yield the URL with the proxy's address."""
    target = urlsplit(url)
    tasks: set[asyncio.Task[None]] = set()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, RuntimeError):
                while data := await reader.read(CHUNK):
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.transport.abort()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with suppress(asyncio.CancelledError):
            await served(reader, writer)
        writer.transport.abort()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if target.scheme == "postgresql":
                assert await reader.readexactly(len(_SSL_REQUEST)) == _SSL_REQUEST
                writer.write(b"S")
            await writer.start_tls(context)
        except (OSError, asyncio.IncompleteReadError):  # the client rejected the certificate
            return
        upstream, requests = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(passed(reader, requests), passed(upstream, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    scheme = {"http": "https", "redis": "rediss"}.get(target.scheme, target.scheme)
    credentials, at, _ = target.netloc.rpartition("@")
    try:
        yield target._replace(scheme=scheme, netloc=f"{credentials}{at}127.0.0.1:{port}").geturl()
    finally:
        server.close()
        await cancel_and_wait(*tasks)
