"""The verdict on a file: what clamd responds to its bytes, which are hashed as they pass."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic

import structlog

from jobs.breakers import Breaker
from jobs.errors import FileInfected, FileUnscannable, ScannerMisconfigured, ScannerUnavailable
from jobs.settings import ScanSettings
from jobs.uploads.scanning.clamd import Clamd, unavailable
from jobs.uploads.scanning.samples import eicar, nested_archive

log = structlog.get_logger()

TESTS = 2
"""Files that clamd scans when it is tested, one after the other."""
TEST_INTERVAL = 60.0
"""Seconds for which a scanner that has passed its test is relied on."""
INFECTED = (
    "The virus scanner has found something in the file, so nobody can download it. If that is wrong, contact the"
    " administrator."
)
"""What who uploads an infected file is told."""
_FOUND = re.compile(r"stream: (.+) FOUND")
_VERSION = re.compile(r"(ClamAV [^/]+)(?:/(\d+)/(.+))?")
_UNSCANNABLE = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted.")
"""What clamd reports instead of a signature for content that it did not scan (`AlertExceedsMax`, `AlertEncrypted`)."""
_STREAM_LIMIT = "INSTREAM size limit exceeded. ERROR"
_THREADED = 256 << 10
"""Bytes of a chunk from which on it is hashed in a thread, while it is sent."""


class Verdict(StrEnum):
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"
    """clamd has not seen all of it: a limit was exceeded. It may be infected."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of a scan.

    `accepted`: whether the file may be used: it is clean, or unscannable and `UNSCANNABLE` is `allow`.
    `finding`: the signature that was found, or the limit that was exceeded. It is for operators, not for who uploads.
    `size` in bytes and `sha256` in hexadecimal are those of the whole file. They are None if the rest of it was not read,
    which is so for long files that are not accepted.
    """

    verdict: Verdict
    accepted: bool
    finding: str | None
    size: int | None
    sha256: str | None

    def require_accepted(self) -> None:
        """Raise `FileInfected` or `FileUnscannable`, which no retry can fix, for a file that may not be used."""
        if self.accepted:
            return
        if self.verdict is Verdict.INFECTED:
            raise FileInfected(INFECTED, self.finding or "")
        raise FileUnscannable(
            "The file could not be scanned for viruses: it is too large, encrypted, or has too much in it. Upload its "
            "contents one by one, or contact the administrator.",
            self.finding or "",
        )


@dataclass(frozen=True, slots=True)
class ScannerVersion:
    """`engine` is like "ClamAV 1.4.3". Number and time of the signatures are None where clamd has only its operator's."""

    engine: str
    signatures: int | None
    published_at: datetime | None
    """Precise to a day, since clamd does not name its time zone."""


def open_scanner(settings: ScanSettings) -> Scanner | None:
    """Return the scanner of the settings, None without `CLAMD_URL`. It keeps no connection and needs not be closed."""
    return None if settings.clamd_url is None else Scanner(settings.clamd_url, settings)


class Scanner:
    """Scans files. It scans none unless clamd passes a test, which is repeated every minute.

    Every method raises `ScannerUnavailable` (an outage, for which no job is charged) when clamd does not work, and its
    subclasses `ScannerTimeout` when it is too slow and `ScannerMisconfigured` when it does not pass the test.
    """

    def __init__(self, url: str, settings: ScanSettings) -> None:
        self._clamd = Clamd(url, settings.clamd_idle_timeout, settings.clamd_timeout)
        self._allows_unscannable = settings.unscannable == "allow"
        self._tested_at = float("-inf")

    async def scan(self, chunks: AsyncIterator[bytes]) -> Scan:
        """Scan a file and hash it, in one pass and with one chunk in memory. What `chunks` raises is raised.

        The caller closes `chunks`, which may not have been read to the end.
        """
        try:
            await self._test_if_due()
            return await self._scan(chunks)
        except ScannerUnavailable as error:
            self._tested_at = float("-inf")
            log.warning("scan_failed", code=error.code, reason=error.reason or error.message)
            raise

    @property
    def breaker(self) -> Breaker:
        """Its circuit is closed while clamd works, as far as is known. `test` closes it again."""
        return self._clamd.breaker

    async def test(self) -> None:
        """Raise `ScannerMisconfigured` if clamd misses what it must find, or calls content clean that it did not scan."""
        of_eicar, _ = _judge(*await self._clamd.scan(_one_chunk(eicar()), decisive=False))
        of_archive, _ = _judge(*await self._clamd.scan(_one_chunk(nested_archive()), decisive=False))
        with self.breaker.record("judge"):
            if of_eicar is not Verdict.INFECTED:
                raise _misconfigured(
                    "it does not find the EICAR test file: check that freshclam has loaded the signatures"
                )
            if of_archive is Verdict.CLEAN:
                raise _misconfigured(
                    "it calls files clean that exceed its limits and were not scanned: set AlertExceedsMax to yes in "
                    "clamd.conf and restart clamd"
                )

    async def version(self) -> ScannerVersion:
        """Return the versions of clamd and its signatures."""
        response = await self._clamd.command("PING")
        if response != "PONG":
            raise unavailable(f"it responded {response!r} to PING")
        response = await self._clamd.command("VERSION")
        version = parse_version(response)
        if version is None:
            raise unavailable(f"it responded {response!r} to VERSION")
        return version

    async def _test_if_due(self) -> None:
        if monotonic() - self._tested_at >= TEST_INTERVAL:
            await self.test()
            self._tested_at = monotonic()

    async def _scan(self, chunks: AsyncIterator[bytes]) -> Scan:
        passing = _Passing()
        async with aclosing(passing.through(chunks)) as hashed:
            response, complete = await self._clamd.scan(hashed)
            verdict, finding = _judge(response, complete)
            accepted = verdict is Verdict.CLEAN or (verdict is Verdict.UNSCANNABLE and self._allows_unscannable)
            if not complete and accepted:
                async for _ in hashed:
                    pass
        known = complete or accepted
        return Scan(
            verdict=verdict,
            accepted=accepted,
            finding=finding,
            size=passing.size if known else None,
            sha256=passing.digest.hexdigest() if known else None,
        )


class _Passing:
    """Counts and hashes chunks on their way."""

    def __init__(self) -> None:
        self.size = 0
        self.digest = hashlib.sha256()

    async def through(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        async for chunk in chunks:
            self.size += len(chunk)
            if len(chunk) < _THREADED:
                self.digest.update(chunk)
                yield chunk
                continue
            hashing = loop.run_in_executor(None, self.digest.update, chunk)
            try:
                yield chunk
            finally:
                await hashing


def _judge(response: str | None, complete: bool) -> tuple[Verdict, str | None]:
    """Return verdict and finding for clamd's response, which is None for a file that is too large for any clamd.

    `complete`: whether it had all bytes before it responded. Any other response is an error of clamd, not of the file.
    """
    if response is None:
        return Verdict.UNSCANNABLE, "larger than 2.1 GB"
    if response == _STREAM_LIMIT:
        return Verdict.UNSCANNABLE, "StreamMaxLength"
    if found := _FOUND.fullmatch(response):
        verdict = Verdict.UNSCANNABLE if found[1].startswith(_UNSCANNABLE) else Verdict.INFECTED
        return verdict, found[1]
    if response == "stream: OK" and complete:
        return Verdict.CLEAN, None
    raise unavailable(f"it responded {response!r}" + ("" if complete else " before it had the whole file"))


def _misconfigured(reason: str) -> ScannerMisconfigured:
    return ScannerMisconfigured("The virus scanner does not work as it should. Files wait until it does.", reason)


def parse_version(response: str) -> ScannerVersion | None:
    """Return the versions in a response like "ClamAV 1.4.3/27500/Sat Nov 29 09:12:37 2025"; None for any other response."""
    found = _VERSION.fullmatch(response)
    if found is None:
        return None
    engine, signatures, time = found.groups()
    try:
        published_at = None if time is None else datetime.strptime(time, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        published_at = None
    return ScannerVersion(engine, None if signatures is None else int(signatures), published_at)


async def _one_chunk(data: bytes) -> AsyncIterator[bytes]:
    yield data
