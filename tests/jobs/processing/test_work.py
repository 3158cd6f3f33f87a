"""Which kinds a worker processes, and where its scratch space is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from jobs import work
from jobs.errors import SandboxUnavailable, ScratchFull
from jobs.kinds import Kind
from jobs.processing.sandbox import Sandbox
from jobs.processing.scratch import Scratch
from jobs.services import Services
from jobs.settings import ProcessingSettings
from jobs.work import works_of
from tests.helpers.settings import with_changes


@pytest.fixture(autouse=True)
def _choose_again() -> Iterator[None]:
    """A process chooses once."""
    work._sandbox.cache_clear()  # noqa: SLF001
    yield
    work._sandbox.cache_clear()  # noqa: SLF001


async def test_without_a_sandbox_only_other_kinds_are_done_and_it_is_said_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(_: ProcessingSettings) -> Sandbox:
        raise SandboxUnavailable("Files cannot be processed.", "no user namespaces")

    monkeypatch.setattr(work, "choose_sandbox", choose)
    with structlog.testing.capture_logs() as logs:
        found = works_of(services)
        works_of(services)
    assert {kind for kind, one in found.items() if not one.concurrency} == {Kind.IMAGE, Kind.PDF, Kind.VIDEO}
    assert [(log["event"], log["log_level"], log["reason"]) for log in logs] == [
        ("sandbox_failed", "error", "no user namespaces")
    ]


async def test_without_ffmpeg_only_videos_are_left_to_others(services: Services) -> None:
    settings = with_changes(services.settings, ffmpeg="no-such-program", video_slots=3, processing_slots=2)
    with structlog.testing.capture_logs() as logs:
        found = works_of(with_settings(services, settings))
    assert (found[Kind.IMAGE].concurrency, found[Kind.PDF].concurrency, found[Kind.VIDEO].concurrency) == (
        4,
        4,
        0,
    )  # fetched, too
    assert ("decoder_missing", "video") in {(log["event"], log.get("kind")) for log in logs}


async def test_a_worker_of_other_kinds_tries_no_sandbox(services: Services) -> None:
    settings = with_changes(services.settings, worker_kinds=(Kind.DOWNLOAD,))
    with structlog.testing.capture_logs() as logs:
        works_of(with_settings(services, settings))
    assert logs == []


def with_settings(services: Services, settings: object) -> Services:
    return replace(services, settings=settings)  # type: ignore[arg-type]


async def test_scratch_space_is_bounded_private_and_given_back(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, 100)
    async with scratch.folder(60) as one:
        assert one.stat().st_mode & 0o777 == 0o700
        with pytest.raises(ScratchFull, match="61 bytes"):
            async with scratch.folder(61):
                pass
        async with scratch.folder(40) as two:
            assert one.parent == two.parent
            (two / "source").write_bytes(b"x")
        assert not two.exists()
    async with scratch.folder(100):
        pass
    scratch.close()
    assert entries(tmp_path) == []


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_process_that_starts_removes_what_killed_ones_have_left(tmp_path: Path) -> None:
    """And not what living ones have: each holds a lock on its folder."""
    code = (
        "import asyncio, os, signal, sys; from pathlib import Path; from jobs.processing.scratch import Scratch\n"
        "async def main():\n"
        "    async with Scratch(Path(sys.argv[1]), 100).folder(1): os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(tmp_path))
    await process.wait()
    [left] = entries(tmp_path)
    living = Scratch(tmp_path, 100)
    async with living.folder(1) as folder:
        assert not left.exists()
        other = Scratch(tmp_path, 100)
        async with other.folder(1):
            assert folder.exists()
        other.close()
    living.close()
