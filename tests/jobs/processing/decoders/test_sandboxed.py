"""Every kind of file is decoded in every sandbox, which lets a decoder read no more than it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.processing.recipes import Wishes
from tests.helpers.media import FORMATS, encoded, photo
from tests.helpers.pdfs import pdf
from tests.helpers.videos import video
from tests.jobs.processing.decoders.children import finished
from tests.jobs.processing.decoders.sandboxed import Confined


@pytest.mark.parametrize("detected", FORMATS)
async def test_images_are_decoded_in_each_sandbox(confined_in_each: Confined, detected: str) -> None:
    decoded, ended = await confined_in_each(detected, encoded(photo(), detected), Wishes(avif=True))
    assert finished(decoded), ended
    assert set(decoded.made) == {"thumbnail", "web", "avif"}


async def test_pdfs_are_decoded_in_each_sandbox(confined_in_each: Confined) -> None:
    decoded, ended = await confined_in_each("application/pdf", pdf(1))
    assert finished(decoded), ended
    assert set(decoded.made) == {"thumbnail", "text", "page-1"}


async def test_videos_are_decoded_in_each_sandbox(confined_in_each: Confined, tmp_path: Path) -> None:
    content = video(tmp_path / "a.mp4", size="1920x1080").read_bytes()
    decoded, ended = await confined_in_each("video/mp4", content)
    assert finished(decoded), ended
    assert set(decoded.made) == {"poster", "video"}
