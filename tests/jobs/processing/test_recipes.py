"""What is made of a file of each type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.files.states import Role
from jobs.processing.recipes import OnError, Probe, Wishes, decoder_of, first_outputs, outputs

WISHES = st.builds(Wishes, avif=st.booleans(), pages=st.integers(0, 20), on_error=st.sampled_from(OnError))
TYPES = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/tiff",
    "image/avif",
    "application/pdf",
    "video/mp4",
]


def names(detected: str, wishes: Wishes, pages: int | None = None) -> list[str]:
    return [output.name for output in outputs(detected, wishes, Probe(pages=pages))]


def test_an_image_gets_a_thumbnail_and_a_web_size() -> None:
    assert names("image/png", Wishes()) == ["thumbnail", "web"]
    assert names("image/png", Wishes(avif=True)) == ["thumbnail", "web", "avif"]


def test_a_pdf_gets_no_more_pages_than_it_has() -> None:
    assert names("application/pdf", Wishes(), 2) == ["thumbnail", "text", "page-1", "page-2"]
    assert names("application/pdf", Wishes(pages=1), 2) == ["thumbnail", "text", "page-1"]
    assert names("application/pdf", Wishes(pages=0), 2) == ["thumbnail", "text"]
    assert names("application/pdf", Wishes(), 5000)[2:] == [f"page-{page}" for page in range(1, 6)]


def test_a_video_gets_a_poster_and_a_conversion() -> None:
    assert names("video/mp4", Wishes()) == ["poster", "video"]


@pytest.mark.parametrize("detected", [None, "image/svg+xml", "image/bmp", "application/zip", "text/html", "audio/mp4"])
def test_nothing_is_made_of_other_types(detected: str | None) -> None:
    assert decoder_of(detected) is None
    assert first_outputs(detected or "", Wishes()) == outputs(detected or "", Wishes(), Probe(pages=3)) == []


@given(st.sampled_from(TYPES), WISHES, st.integers(1, 10_000))
def test_the_first_outputs_are_the_first_of_all(detected: str, wishes: Wishes, pages: int) -> None:
    first, every = first_outputs(detected, wishes), outputs(detected, wishes, Probe(pages=pages))
    assert every[: len(first)] == first
    assert len({output.name for output in every}) == len(every)
    assert all(output.role != Role.ORIGINAL for output in every)


@given(WISHES)
def test_wishes_are_read_as_they_were_written(wishes: Wishes) -> None:
    assert Wishes.from_json(wishes.as_json()) == wishes
    assert Wishes.from_json({}) == Wishes()


@pytest.mark.parametrize("pages", [-1, 21])
def test_pages_out_of_range_are_refused(pages: int) -> None:
    with pytest.raises(ValueError, match="0 to 20"):
        Wishes(pages=pages)
