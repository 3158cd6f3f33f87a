"""`haulage upload` through a proxy that damages requests: the store refuses them, and the parts are sent again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

import pytest

from jobs.services import Services
from jobs.settings import Settings
from jobs.storage.part_signing import PartSigner
from tests.app.cli.processes import Cli, variables
from tests.helpers.breaking_proxy import BreakingProxy, Corruption
from tests.helpers.bundles import stored
from tests.helpers.uploads import files_of

MIB = 1 << 20


class Damage:
    """What happens to PUTs of parts. Each keeps the URL that it has seen."""

    def __init__(self, settings: Settings) -> None:
        self._expired = PartSigner(settings, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self._paths: dict[int, str] = {}

    def all(self) -> list[Corruption]:
        damages = (self.flipped, self.shorter, self.longer, self.swapped, self.renumbered, self.expired, self.emptied)
        return [*damages, self.flipped]

    def _number(self, path: str) -> int:
        [number] = parse_qs(urlsplit(path).query)["partNumber"]
        self._paths[int(number)] = path
        return int(number)

    def flipped(self, path: str, body: bytes) -> tuple[str, bytes]:
        self._number(path)
        return path, body[:-1] + bytes([body[-1] ^ 1])

    def shorter(self, path: str, body: bytes) -> tuple[str, bytes]:
        self._number(path)
        return path, body[:-1]

    def longer(self, path: str, body: bytes) -> tuple[str, bytes]:
        self._number(path)
        return path, body + b"x"

    def swapped(self, path: str, body: bytes) -> tuple[str, bytes]:
        """Sent to the URL of another part."""
        number = self._number(path)
        return next(other for key, other in self._paths.items() if key != number), body

    def renumbered(self, path: str, body: bytes) -> tuple[str, bytes]:
        number = self._number(path)
        return path.replace(f"partNumber={number}&", f"partNumber={number + 1}&"), body

    def expired(self, path: str, body: bytes) -> tuple[str, bytes]:
        """As if it had been signed long ago."""
        [upload_id] = parse_qs(urlsplit(path).query)["uploadId"]
        key = urlsplit(path).path.split("/", 2)[2]
        old = urlsplit(self._expired.sign_part(key, upload_id, self._number(path), len(body), crc32(body)).url)
        return f"{old.path}?{old.query}", body

    def emptied(self, path: str, body: bytes) -> tuple[str, bytes]:
        del body
        return path, b""


@pytest.fixture
async def proxy(environment: dict[str, str]) -> AsyncIterator[BreakingProxy]:
    breaking = BreakingProxy(environment["S3_ENDPOINT"])
    async with breaking.running():
        yield breaking


@pytest.fixture
def changes(proxy: BreakingProxy) -> dict[str, Any]:
    """URLs lead to the proxy."""
    return {"s3_public_endpoint": proxy.url}


@pytest.mark.usefixtures("worker")
async def test_damaged_parts_are_refused_by_the_store_and_sent_again(
    tmp_path: Path, settings: Settings, gateway: str, services: Services, proxy: BreakingProxy
) -> None:
    data = os.urandom(25 * MIB)
    (tmp_path / "a.bin").write_bytes(data)
    cli = Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": gateway, "XDG_STATE_HOME": str(tmp_path / "state")})
    proxy.corrupts = Damage(settings).all()
    names = [one.__name__ for one in proxy.corrupts]
    [one] = (await cli("upload", "a.bin", "--json")).json
    assert sorted(name for name, _ in proxy.corrupted) == sorted(names)
    assert {status for _, status in proxy.corrupted} <= {400, 403}, proxy.corrupted
    assert one["crc32"] == f"{crc32(data):08x}"
    [file] = await files_of(services, one["jobId"])
    assert await stored(services.storage, file.key) == data
