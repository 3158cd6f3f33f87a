"""Verdicts of a real clamd, and what becomes of a scan when clamd does not work."""

from __future__ import annotations

import asyncio
import hashlib
import marshal
import os
import signal
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from jobs.breakers import Circuit
from jobs.errors import (
    FileInfected,
    FileUnscannable,
    ScannerMisconfigured,
    ScannerTimeout,
    ScannerUnavailable,
    StorageUnreachable,
)
from jobs.uploads.scanning import Scan, Scanner, ScannerVersion, Verdict
from jobs.uploads.scanning import clamd as client
from jobs.uploads.scanning import scanner as scanning
from jobs.uploads.scanning.samples import eicar, nested_archive
from jobs.uploads.scanning.scanner import parse_version
from tests.helpers.clamd import MAX_FILE_SIZE, SIGNATURE, STREAM_MAX_LENGTH, ClamdServer, running_clamd
from tests.helpers.eventually import eventually
from tests.jobs.uploads.conftest import MakeScanner

pytestmark = pytest.mark.servers
MIB = 1 << 20


async def pieces(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def scan(scanner: Scanner, data: bytes, size: int = MIB) -> Scan:
    """Scan data in chunks of this size."""
    return await scanner.scan(pieces(data[start : start + size] for start in range(0, len(data), size)))


def zipped(data: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        archive = BytesIO()
        with ZipFile(archive, "w", ZIP_DEFLATED) as writer:
            writer.writestr("a", data)
        data = archive.getvalue()
    return data


Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted_server(path: Path, respond: Respond) -> AsyncIterator[None]:
    """A server on a socket that does what no clamd can be made to. Its connections have ended when this ends."""
    tasks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await respond(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_unix_server(serve, path):
        yield
        await asyncio.gather(*(task for task in tasks if task is not None))


@pytest.fixture(params=["url", "tcp_url"])
def scanner(clamd: ClamdServer, request: pytest.FixtureRequest, make_scanner: MakeScanner) -> Scanner:
    return make_scanner(getattr(clamd, request.param))


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (eicar(), MIB),
        (eicar(), 1),
        (zipped(eicar()), MIB),
        (zipped(eicar(), 2), 100),
        (os.urandom(MAX_FILE_SIZE - 68) + eicar(), MIB),
        (zipped(bytes(MAX_FILE_SIZE - 68) + eicar()), MIB),
    ],
    ids=["plain", "in single bytes", "in a ZIP", "in a ZIP in a ZIP", "behind noise", "behind zeros in a ZIP"],
)
async def test_a_file_with_a_signature_is_infected(scanner: Scanner, data: bytes, size: int) -> None:
    assert await scan(scanner, data, size) == Scan(
        Verdict.INFECTED,
        accepted=False,
        finding=SIGNATURE,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


@pytest.mark.parametrize("size", [1000, 100_000, 3 * MIB])
async def test_a_clean_file_is_hashed_as_it_passes(scanner: Scanner, size: int) -> None:
    data = os.urandom(3 * MIB)
    assert await scan(scanner, data, size) == Scan(
        Verdict.CLEAN, accepted=True, finding=None, size=len(data), sha256=hashlib.sha256(data).hexdigest()
    )


async def test_empty_files_and_empty_chunks_do_not_end_the_stream(scanner: Scanner) -> None:
    empty = await scan(scanner, b"")
    assert (empty.verdict, empty.size, empty.sha256) == (Verdict.CLEAN, 0, hashlib.sha256(b"").hexdigest())
    found = await scanner.scan(pieces([b"", eicar()[:9], b"", eicar()[9:]]))
    assert (found.verdict, found.size) == (Verdict.INFECTED, len(eicar()))


@pytest.mark.parametrize(
    ("size", "finding"),
    [
        (MAX_FILE_SIZE + 1, "Heuristics.Limits.Exceeded.MaxFileSize"),
        (STREAM_MAX_LENGTH + 1, "StreamMaxLength"),
        (4 * STREAM_MAX_LENGTH, "StreamMaxLength"),
    ],
)
@pytest.mark.parametrize("chunk", [100_000, MIB, 16 * MIB])
@pytest.mark.parametrize("url", ["url", "tcp_url"])
@pytest.mark.parametrize("unscannable", ["refuse", "allow"])
async def test_a_file_that_exceeds_a_limit_is_unscannable(
    clamd: ClamdServer, make_scanner: MakeScanner, size: int, finding: str, chunk: int, url: str, unscannable: str
) -> None:
    data = bytes(size)
    scanner = make_scanner(getattr(clamd, url), unscannable=unscannable)
    found = await scan(scanner, data, chunk)
    accepted = unscannable == "allow"
    assert (found.verdict, found.accepted, found.finding) == (Verdict.UNSCANNABLE, accepted, finding)
    whole = (size, hashlib.sha256(data).hexdigest())
    was_read = accepted or finding != "StreamMaxLength"
    assert (found.size, found.sha256) in ([whole] if was_read else [whole, (None, None)])


@pytest.mark.parametrize("limit", ["nesting", "archive"])
async def test_what_an_archive_hides_behind_a_limit_is_unscannable(scanner: Scanner, limit: str) -> None:
    many = BytesIO()
    with ZipFile(many, "w", ZIP_DEFLATED) as writer:
        for index in range(10_001):  # MaxFiles
            writer.writestr(str(index), b"%d" % index)
        writer.writestr("a", eicar() * 9)
    found = await scan(scanner, zipped(eicar(), 20) if limit == "nesting" else many.getvalue())
    assert (found.verdict, found.accepted) == (Verdict.UNSCANNABLE, False)


async def test_the_rest_of_a_file_that_is_refused_is_not_read(clamd: ClamdServer, make_scanner: MakeScanner) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += MIB
            yield bytes(MIB)

    found = await make_scanner(clamd.url).scan(endless())
    assert (found.verdict, found.accepted) == (Verdict.UNSCANNABLE, False)
    assert read < 2 * STREAM_MAX_LENGTH


async def test_a_file_above_the_limit_of_every_clamd_is_not_sent(
    clamd: ClamdServer, make_scanner: MakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_STREAM", MIB)
    scanner, data = make_scanner(clamd.url, unscannable="allow"), os.urandom(MIB + 1)
    assert (await scan(scanner, data[:MIB])).verdict is Verdict.CLEAN
    found = await scan(scanner, data, 100_000)
    assert (found.verdict, found.accepted, found.finding) == (Verdict.UNSCANNABLE, True, "larger than 2.1 GB")
    assert found.sha256 == hashlib.sha256(data).hexdigest()


class Chunk(bytearray):
    """A chunk to which there can be weak references."""


async def test_one_chunk_is_in_memory(clamd: ClamdServer, make_scanner: MakeScanner) -> None:
    alive = most = 0

    def ended() -> None:
        nonlocal alive
        alive -= 1

    async def counted() -> AsyncIterator[bytes]:
        nonlocal alive, most
        for _ in range(12):
            chunk = Chunk(os.urandom(300_000))
            weakref.finalize(chunk, ended)
            alive += 1
            most = max(most, alive)
            yield chunk  # type: ignore[misc] # a bytes object has no weak references

    assert (await make_scanner(clamd.url).scan(counted())).verdict is Verdict.CLEAN
    assert most <= 2  # the one before is still bound where this one is made


async def test_many_files_are_scanned_side_by_side(clamd: ClamdServer, make_scanner: MakeScanner) -> None:
    scanner = make_scanner(clamd.url)
    files = [os.urandom(300_000) + (eicar() if index % 3 == 0 else b"") for index in range(30)]
    found = await asyncio.gather(*(scan(scanner, data, 50_000) for data in files))
    assert [each.verdict is Verdict.INFECTED for each in found] == [index % 3 == 0 for index in range(30)]
    assert [each.sha256 for each in found] == [hashlib.sha256(data).hexdigest() for data in files]


# --- clamd does not work ----------------------------------------------------------------------------------------------


async def test_a_missing_or_closed_socket_says_what_to_do(tmp_path: Path, make_scanner: MakeScanner) -> None:
    missing = f"unix://{tmp_path}/missing"
    for url, reason in [
        (
            missing,
            f"{missing}: No such file or directory: start clamd, or correct CLAMD_URL (LocalSocket in clamd.conf)",
        ),
        ("tcp://127.0.0.1:9", "tcp://127.0.0.1:9: Connection refused: start clamd"),
        ("tcp://no-such-host.invalid:9", "tcp://no-such-host.invalid:9: "),
    ]:
        with pytest.raises(ScannerUnavailable) as caught:
            await scan(make_scanner(url), b"x")
        assert reason in caught.value.reason
        assert caught.value.message == "The virus scanner is unavailable. The file is scanned once it is back."


async def test_a_clamd_that_is_killed_midway_is_unavailable_until_it_is_back(
    own_clamd: ClamdServer, tmp_path: Path, make_scanner: MakeScanner
) -> None:
    scanner = make_scanner(own_clamd.url)

    async def killing() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        assert own_clamd.pid is not None
        os.kill(own_clamd.pid, signal.SIGKILL)
        await eventually(lambda: own_clamd.pid is None)
        yield bytes(MIB)
        yield bytes(MIB)

    with pytest.raises(ScannerUnavailable) as caught:
        await scanner.scan(killing())
    assert "it closed the connection" in caught.value.reason
    with pytest.raises(ScannerUnavailable):
        await scan(scanner, b"x")
    with running_clamd(tmp_path) as restarted:
        assert restarted.url == own_clamd.url
        assert (await scan(scanner, eicar())).verdict is Verdict.INFECTED


@pytest.mark.parametrize("moment", ["before", "midway", "at the end"])
async def test_a_clamd_that_hangs_is_too_slow(own_clamd: ClamdServer, make_scanner: MakeScanner, moment: str) -> None:
    scanner = make_scanner(own_clamd.url, clamd_idle_timeout=1, clamd_timeout=2)
    assert (await scan(scanner, b"x")).verdict is Verdict.CLEAN
    pid = own_clamd.pid
    assert pid is not None

    async def chunks() -> AsyncIterator[bytes]:
        if moment != "before":
            yield b"x"
            os.kill(pid, signal.SIGSTOP)
        for _ in range(0 if moment == "at the end" else 8):
            yield bytes(MIB)

    if moment == "before":
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ScannerTimeout) as caught:
            await scanner.scan(chunks())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert caught.value.reason.startswith(
        "it did not respond in time" if moment == "at the end" else "it accepted no byte"
    )
    assert (await scan(scanner, eicar())).verdict is Verdict.INFECTED


async def test_a_clamd_that_accepts_bytes_slowly_has_a_limit_for_the_whole_file(tmp_path: Path) -> None:
    async def trickle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(100_000):  # noqa: ASYNC110 - it is slow, and waits for nothing
            await asyncio.sleep(0.05)

    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(20):
            read += 1
            yield bytes(MIB)

    async with scripted_server(tmp_path / "slow", trickle):
        with pytest.raises(ScannerTimeout) as caught:
            await client.Clamd(f"unix://{tmp_path}/slow", idle_timeout=30, timeout=2).scan(chunks())
    assert "CLAMD_TIMEOUT" in caught.value.reason
    assert read < 20


async def test_a_slow_source_is_not_the_fault_of_clamd(clamd: ClamdServer, make_scanner: MakeScanner) -> None:
    scanner = make_scanner(clamd.url, clamd_idle_timeout=2, clamd_timeout=2)
    await scanner.test()
    reached = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield eicar()[:9]
        asyncio.get_running_loop().call_later(2.5, reached.set)
        await reached.wait()
        yield eicar()[9:]

    assert (await scanner.scan(slow())).verdict is Verdict.INFECTED


async def test_an_error_of_the_source_is_raised_and_does_not_count_for_clamd(
    clamd: ClamdServer, make_scanner: MakeScanner
) -> None:
    scanner = make_scanner(clamd.url)

    async def failing() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        raise StorageUnreachable("The connection to the store failed.")

    for _ in range(6):
        with pytest.raises(StorageUnreachable):
            await scanner.scan(failing())
    assert (await scan(scanner, eicar())).verdict is Verdict.INFECTED


async def test_after_failures_in_a_row_clamd_is_not_called_for_a_while(
    tmp_path: Path, make_scanner: MakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RECOVERY_TIMEOUT", 0.1)
    scanner = make_scanner(f"unix://{tmp_path}/clamd.sock")
    breaker = scanner.breaker
    for _ in range(5):
        assert breaker.state is Circuit.CLOSED
        with pytest.raises(ScannerUnavailable, match="once it is back"):
            await scan(scanner, b"x")
    with pytest.raises(ScannerUnavailable, match="called again every few seconds"):
        await scan(scanner, b"x")
    with running_clamd(tmp_path):
        await eventually(lambda: breaker.state is Circuit.HALF_OPEN)
        assert (await scan(scanner, b"x")).verdict is Verdict.CLEAN
    assert breaker.state is Circuit.CLOSED


# --- clamd is set up wrongly ------------------------------------------------------------------------------------------


async def test_a_clamd_that_calls_long_files_clean_scans_none(
    tmp_path: Path, make_scanner: MakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_clamd(tmp_path, AlertExceedsMax="no") as server:
        with pytest.raises(ScannerMisconfigured) as caught:
            await scan(make_scanner(server.url), b"x")
        assert "set AlertExceedsMax to yes in clamd.conf" in caught.value.reason
        untested = make_scanner(server.url)
        monkeypatch.setattr(untested, "_test_if_due", lambda: asyncio.sleep(0))
        missed = await scan(untested, bytes(MAX_FILE_SIZE) + eicar())
    assert missed.verdict is Verdict.CLEAN, "which is why there is a test"


async def test_a_clamd_that_does_not_find_eicar_scans_none(tmp_path: Path, make_scanner: MakeScanner) -> None:
    with running_clamd(tmp_path, b"something else") as server:
        with pytest.raises(ScannerMisconfigured) as caught:
            await scan(make_scanner(server.url), b"x")
    assert "check that freshclam has loaded the signatures" in caught.value.reason


async def test_the_test_is_repeated_after_its_interval_and_after_a_failure(
    own_clamd: ClamdServer, tmp_path: Path, make_scanner: MakeScanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RECOVERY_TIMEOUT", 0.1)
    scanner, now = make_scanner(own_clamd.url), [100.0]
    monkeypatch.setattr(scanning, "monotonic", lambda: now[0])
    assert (await scan(scanner, b"x")).verdict is Verdict.CLEAN
    own_clamd.stop()
    with running_clamd(tmp_path, AlertExceedsMax="no"):
        assert (await scan(scanner, b"x")).verdict is Verdict.CLEAN
        now[0] += scanning.TEST_INTERVAL
        with pytest.raises(ScannerMisconfigured):
            await scan(scanner, b"x")
        await eventually(lambda: scanner.breaker.state is Circuit.HALF_OPEN)
        with pytest.raises(ScannerMisconfigured):
            await scan(scanner, b"x")
        await eventually(lambda: scanner.breaker.state is Circuit.HALF_OPEN)
    with running_clamd(tmp_path):
        await scanner.test()
    assert scanner.breaker.state is Circuit.CLOSED


async def test_the_configuration_in_the_documents_works(
    tmp_path: Path, project: Path, make_scanner: MakeScanner
) -> None:
    page = (project / "docs" / "uploads.md").read_text(encoding="utf-8")
    block = page.split("### clamd.conf\n\n```\n")[1].split("\n```\n")[0]
    options = dict(line.split() for line in block.splitlines())
    assert options.keys() >= {"AlertExceedsMax", "StreamMaxLength", "MaxFileSize"}
    with running_clamd(tmp_path, **options) as server:
        found = await scan(make_scanner(server.url), bytes(MAX_FILE_SIZE * 3) + eicar())
    assert found.verdict is Verdict.INFECTED


# --- clamd breaks the protocol ----------------------------------------------------------------------------------------


@pytest.fixture
async def scripted(
    tmp_path: Path, make_scanner: MakeScanner, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[bytes, bool], Scanner]]:
    """A server that responds to INSTREAM with some bytes: at once, or after all chunks. No clamd can be made to."""
    script: list[tuple[bytes, bool]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        response, at_once = script[0]
        await reader.readuntil(b"\0")
        while not at_once and (size := int.from_bytes(await reader.readexactly(4), "big")):
            await reader.readexactly(size)
        writer.write(response)

    def respond(response: bytes, at_once: bool) -> Scanner:
        script[:] = [(response, at_once)]
        scanner = make_scanner(f"unix://{tmp_path}/scripted", clamd_idle_timeout=5, clamd_timeout=5)
        monkeypatch.setattr(scanner, "_test_if_due", lambda: asyncio.sleep(0))
        return scanner

    async with scripted_server(tmp_path / "scripted", serve):
        yield respond


@pytest.mark.parametrize(
    ("response", "at_once", "reason"),
    [
        (b"stream: OK\0", True, "it responded 'stream: OK' before it had the whole file"),
        (b"stream: OK", False, "its response has no end: 'stream: OK'"),
        (b"", False, "it closed the connection"),
        (b"", True, "it closed the connection"),
        (b"a" * 10_000, False, "its response has no end: 'aaa"),
        (b"\0", False, "it responded ''"),
        (b"stream: Can't allocate memory ERROR\0", False, 'it responded "stream: Can\'t allocate memory ERROR"'),
        (b"COMMAND READ TIMED OUT\0", True, "it responded 'COMMAND READ TIMED OUT' before it had the whole file"),
        (b"stream: OK FOUND ERROR\0", False, "it responded 'stream: OK FOUND ERROR'"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n\0", True, "it responded 'HTTP/1.1 400 Bad Request"),
        (b"\xff\xfe\0", False, "it responded"),
    ],
)
async def test_a_response_that_is_no_verdict_is_an_outage(
    scripted: Callable[[bytes, bool], Scanner], response: bytes, at_once: bool, reason: str
) -> None:
    with pytest.raises(ScannerUnavailable) as caught:
        await scan(scripted(response, at_once), bytes(8 * MIB), 100_000)
    assert reason in caught.value.reason


async def test_a_response_without_an_end_is_given_up(tmp_path: Path, make_scanner: MakeScanner) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            writer.write(b"a" * 1000)
            await writer.drain()

    async with scripted_server(tmp_path / "endless", endless):
        with pytest.raises(ScannerUnavailable) as caught:
            await scan(make_scanner(f"unix://{tmp_path}/endless", clamd_timeout=5), b"x")
    assert caught.value.reason.startswith("its response has no end: 'aaa")


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_finding_counts_whenever_it_comes(scripted: Callable[[bytes, bool], Scanner], at_once: bool) -> None:
    found = await scan(scripted(b"stream: Win.Test-1 FOUND\0", at_once), bytes(8 * MIB))
    assert (found.verdict, found.finding) == (Verdict.INFECTED, "Win.Test-1")
    encrypted = await scan(scripted(b"stream: Heuristics.Encrypted.Zip FOUND\0", at_once), bytes(8 * MIB))
    assert encrypted.verdict is Verdict.UNSCANNABLE


def test_only_accepted_files_may_be_used() -> None:
    def scanned(verdict: Verdict, finding: str | None, *, accepted: bool) -> Scan:
        return Scan(verdict, accepted=accepted, finding=finding, size=1, sha256="")

    scanned(Verdict.CLEAN, None, accepted=True).require_accepted()
    scanned(Verdict.UNSCANNABLE, "StreamMaxLength", accepted=True).require_accepted()
    with pytest.raises(FileInfected) as caught:
        scanned(Verdict.INFECTED, SIGNATURE, accepted=False).require_accepted()
    assert caught.value.finding == SIGNATURE
    assert SIGNATURE not in caught.value.message
    with pytest.raises(FileUnscannable):
        scanned(Verdict.UNSCANNABLE, "StreamMaxLength", accepted=False).require_accepted()


# --- versions and samples ---------------------------------------------------------------------------------------------


async def test_clamd_says_its_version(scanner: Scanner) -> None:
    version = await scanner.version()
    assert version.engine.startswith("ClamAV 1.")
    assert (version.signatures, version.published_at) == (None, None)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            "ClamAV 1.4.3/27500/Sat Nov 29 09:12:37 2025",
            ScannerVersion("ClamAV 1.4.3", 27_500, datetime(2025, 11, 29, 9, 12, 37, tzinfo=UTC)),
        ),
        (
            "ClamAV 1.4.3/27500/Sat Nov  1 09:12:37 2025",
            ScannerVersion("ClamAV 1.4.3", 27_500, datetime(2025, 11, 1, 9, 12, 37, tzinfo=UTC)),
        ),
        ("ClamAV 1.4.3/27500/yesterday", ScannerVersion("ClamAV 1.4.3", 27_500, None)),
        ("ClamAV 1.4.3", ScannerVersion("ClamAV 1.4.3", None, None)),
        ("nginx", None),
    ],
)
def test_the_time_of_the_signatures_is_read(response: str, expected: ScannerVersion | None) -> None:
    assert parse_version(response) == expected


def test_no_file_contains_eicar_whole(project: Path) -> None:
    for folder in ("app", "jobs", "tests", "docs"):
        for path in (project / folder).rglob("*.py" if folder != "docs" else "*.md"):
            data = path.read_bytes()
            assert eicar() not in data, path
            if b"eicar" in data and path.suffix == ".py":
                assert eicar() not in marshal.dumps(compile(data, path.name, "exec")), path


def test_the_nested_archive_is_deeper_than_limits_go_and_small() -> None:
    depth, content = 0, nested_archive()
    assert len(content) < 40_000
    while content.startswith(b"PK"):
        with ZipFile(BytesIO(content)) as archive:
            content = archive.read("a")
        depth += 1
    assert depth == 300
