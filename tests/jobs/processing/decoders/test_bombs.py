"""Small files that ask for much memory or time, in the sandbox of this machine: each ends soon, within its memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.pdfs import pdf
from tests.jobs.processing.decoders import bombs
from tests.jobs.processing.decoders.sandboxed import LIMITS, Confined

MIB, GIB = bombs.MIB, 1 << 30
PIXELS = "pixels; at most 100,000,000 are allowed in all."

REJECTED: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "PNG of 10 gigapixels": ("image/png", lambda _: bombs.png(100_000, 100_000), PIXELS),
    "JPEG of 4 gigapixels": ("image/jpeg", lambda _: bombs.jpeg(65_500, 65_500), PIXELS),
    "TIFF of 3.6 gigapixels": ("image/tiff", lambda _: bombs.tiff(60_000, 60_000), PIXELS),
    "TIFF of 50,000 pages": ("image/tiff", lambda _: bombs.tiff(8, 8, 50_000), "at most 2,000 are allowed."),
    "WebP of 268 megapixels": ("image/webp", lambda _: bombs.webp(16_383), PIXELS),
    "GIF of 100,000 frames": ("image/gif", lambda _: bombs.gif(100_000), "at most 2,000 are allowed."),
    "SVG as PNG": (
        "image/png",
        lambda _: b"<svg xmlns='http://www.w3.org/2000/svg' width='99999' height='99999'/>",
        "it is damaged, or of another format.",
    ),
    "ZIP as PNG": ("image/png", lambda _: bombs.zipped(GIB), "it is damaged, or of another format."),
    "ZIP as PDF": ("application/pdf", lambda _: bombs.zipped(GIB), "it cannot be opened."),
    "ZIP as MP4": ("video/mp4", lambda _: bombs.zipped(GIB), "or has no pictures."),
    "PDF of 100,000 pages": ("application/pdf", lambda _: pdf(100_000), "at most 5,000 are allowed."),
    "MP4 of 4 gigapixels": ("video/mp4", lambda folder: bombs.large_mp4(folder, 65_535), "are allowed in all."),
    "MP4 of 100 hours": ("video/mp4", lambda folder: bombs.long_mp4(folder, 100), "at most 14,400 are allowed."),
}
DECODED: dict[str, tuple[str, Callable[[Path], bytes], int]] = {
    "PNG of 100 megapixels": ("image/png", lambda _: bombs.png(10_000, 10_000, rows=10_000), 100 * MIB),
    "PNG with a profile of 1 GiB": ("image/png", lambda _: bombs.png(1, 1, bombs.profile_of(GIB)), 100 * MIB),
    "WebP of 100 megapixels": ("image/webp", lambda _: bombs.webp(9_999), 600 * MIB),
    "GIF that says it is of 4 gigapixels": ("image/gif", lambda _: bombs.gif(1, 65_535), 100 * MIB),
    "PDF with a huge page": ("application/pdf", lambda _: pdf(1, size=(10**9, 10**9)), 400 * MIB),
}


@pytest.mark.parametrize("name", REJECTED)
async def test_bombs_are_rejected_with_a_clear_reason(confined: Confined, tmp_path: Path, name: str) -> None:
    detected, make, reason = REJECTED[name]
    content = make(tmp_path)
    assert len(content) < 40 * MIB
    started = time.monotonic()
    decoded, ended = await confined(detected, content)
    assert decoded.rejected is not None
    assert decoded.rejected.endswith(reason)
    assert ended.returncode == 0
    assert ended.peak_rss < 128 * MIB
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("name", DECODED)
async def test_what_is_within_the_limits_is_decoded_in_little_memory(
    confined: Confined, tmp_path: Path, name: str
) -> None:
    detected, make, most = DECODED[name]
    started = time.monotonic()
    decoded, ended = await confined(detected, make(tmp_path))
    assert decoded.rejected is None
    assert "thumbnail" in decoded.made
    assert ended.returncode == 0
    assert ended.peak_rss < most
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("times", [1, 3])
async def test_a_pdf_of_spaces_dies_at_the_limit_of_its_memory(confined: Confined, times: int) -> None:
    """PDFium inflates the page, and aborts when there is no more memory. So the reason must come from the worker."""
    started = time.monotonic()
    decoded, ended = await confined("application/pdf", bombs.pdf_of_spaces(GIB, times=times))
    assert not decoded.made
    assert decoded.rejected is None
    assert ended.signal is not None
    assert ended.peak_rss < LIMITS.memory
    assert time.monotonic() - started < 30
