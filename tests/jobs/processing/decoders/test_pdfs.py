"""What is made of PDFs, by the program that the worker runs."""

from __future__ import annotations

import pytest

from jobs.processing.decoders.protocol import Bounds, Made, Progress
from jobs.processing.recipes import MAX_TEXT, Wishes
from tests.helpers.media import colour, encoded, is_near, opened, photo
from tests.helpers.pdfs import pdf, stream
from tests.jobs.processing.decoders.children import Decoder, finished
from tests.jobs.processing.decoders.sandboxed import Confined

PDF = "application/pdf"


def test_a_thumbnail_pages_and_the_text_are_made(decode: Decoder) -> None:
    decoded = decode(PDF, pdf(7))
    assert finished(decoded)
    assert decoded.probe.pages == 7
    assert decoded.made == {
        "thumbnail": Made("thumbnail", 248, 320),
        "text": Made("text"),
        **{f"page-{page}": Made(f"page-{page}", 1237, 1600) for page in range(1, 6)},
    }
    for name in ("thumbnail", "page-1", "page-5"):
        image = opened(decoded.path(name))
        assert image.get("vips-loader") == "webpload"
        assert is_near(colour(image, 0.2, 0.9), [255, 0, 0])
        assert is_near(colour(image, 0.8, 0.5), [255, 255, 255])
    pages = decoded.path("text").read_text().split("\f")
    assert pages == [*(f"Page {page} of Haulage" for page in range(1, 8)), ""]
    assert [event.done for event in decoded.events if isinstance(event, Progress)][-1] == 1


def test_pages_differ(decode: Decoder) -> None:
    decoded = decode(PDF, pdf(3))
    assert len({decoded.path(f"page-{page}").read_bytes() for page in range(1, 4)}) == 3


def test_as_many_pages_are_made_as_are_wished(decode: Decoder) -> None:
    assert set(decode(PDF, pdf(3), wishes=Wishes(pages=0)).made) == {"thumbnail", "text"}
    assert set(decode(PDF, pdf(3), wishes=Wishes(pages=2)).made) == {"thumbnail", "text", "page-1", "page-2"}


def test_what_an_earlier_attempt_made_is_skipped(decode: Decoder) -> None:
    assert set(decode(PDF, pdf(2), skip=["thumbnail", "text", "page-1"]).made) == {"page-2"}


@pytest.mark.parametrize("size", [(14_400, 14_400), (1_000_000_000, 1_000_000_000), (200, 14_400)])
async def test_huge_pages_are_drawn_small(confined: Confined, size: tuple[int, int]) -> None:
    decoded, ended = await confined(PDF, pdf(1, size=size))
    made = decoded.made["page-1"]
    assert made.width is not None
    assert made.height is not None
    assert max(made.width, made.height) == 1600
    assert ended.peak_rss < 400 << 20


def test_a_small_page_is_drawn_with_300_dpi(decode: Decoder) -> None:
    assert decode(PDF, pdf(1, size=(72, 144))).made["page-1"] == Made("page-1", 300, 600)


def test_the_text_of_a_scan_is_omitted(decode: Decoder) -> None:
    decoded = decode(PDF, pdf(1, content=stream(b"1 0 0 rg 0 0 100 100 re f")))
    assert finished(decoded)
    assert set(decoded.made) == {"thumbnail", "page-1"}
    assert decoded.not_made == {"text": "The PDF has no text: its pages may be scanned pictures."}
    assert not list((decoded.folder / "out").glob("text*"))


def test_long_text_is_cut(decode: Decoder) -> None:
    line = b"0 -1 Td (" + b"x" * 1000 + b") Tj "
    many = pdf(20, content=stream(b"BT /F1 1 Tf 0 792 Td " + line * 700 + b"ET"))
    decoded = decode(PDF, many, skip=["thumbnail", "page-1", "page-2", "page-3", "page-4", "page-5"])
    assert decoded.path("text").stat().st_size == MAX_TEXT


def test_a_pdf_with_a_password_is_rejected(decode: Decoder) -> None:
    decoded = decode(PDF, pdf(password=b"secret"))
    assert decoded.rejected == "The PDF can only be opened with a password."
    assert decoded.returncode == 0


def test_an_encrypted_pdf_that_opens_without_a_password_is_decoded(decode: Decoder) -> None:
    decoded = decode(PDF, pdf(password=b""))
    assert finished(decoded)
    assert decoded.path("text").read_text().startswith("Page 1 of Haulage")


def test_too_many_pages_are_rejected(decode: Decoder) -> None:
    decoded = decode(PDF, pdf(3), bounds=Bounds(max_pages=2))
    assert decoded.rejected == "The PDF has 3 pages; at most 2 are allowed."


def test_pages_that_do_not_exist_fail_alone(decode: Decoder) -> None:
    decoded = decode(PDF, pdf(1).replace(b"/Count 1 ", b"/Count 3 "))
    assert set(decoded.made) == {"thumbnail", "text", "page-1"}
    assert decoded.not_made == {
        "page-2": "Page 2 is damaged, so it cannot be drawn.",
        "page-3": "Page 3 is damaged, so it cannot be drawn.",
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7\n", pdf()[:300], b"%PDF-1.7\n" + bytes(5000), encoded(photo(), "image/jpeg")],
    ids=["nothing", "header", "half", "zeros", "jpeg"],
)
def test_what_is_no_pdf_is_rejected(decode: Decoder, content: bytes) -> None:
    decoded = decode(PDF, content)
    assert decoded.rejected == "The PDF is damaged, so it cannot be opened."
    assert decoded.returncode == 0


def test_a_polyglot_is_decoded_as_a_pdf(decode: Decoder) -> None:
    """Readers accept what stands before the header within 1,024 bytes (ISO 32000-1, annex H, note 13)."""
    decoded = decode(PDF, b"GIF89a" + bytes(20) + b"\n" + pdf(1))
    assert set(decoded.made) == {"thumbnail", "text", "page-1"}
