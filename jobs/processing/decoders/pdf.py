"""Decodes a PDF: pictures of its pages, and its text. Run as a program in a folder with the file `source`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from pypdfium2 import PdfDocument, PdfiumError
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
from pyvips import Error, Image

from jobs.processing.decoders.child import CannotMake, NothingToMake, Refused, emit, make, path_of, run
from jobs.processing.decoders.protocol import SOURCE, Bounds, Made, Probed, Progress, Request
from jobs.processing.decoders.vips import save_webp
from jobs.processing.recipes import MAX_TEXT, Output, Probe, outputs

MAX_SCALE = 300 / 72
"""Pixels in a point of 1/72 inch: small pages are enlarged to 300 dpi at most."""
PAGE_BREAK = "\f"
"""Ends each page in the text, as `pdftotext` writes it."""


def decode(request: Request) -> None:
    """Makes the outputs of the request. Raises `Refused` for a PDF that cannot be opened, or has too many pages."""
    document = _open(request.bounds)
    probe = Probe(pages=len(document))
    emit(Probed(probe))
    for output in outputs(request.detected, request.wishes, probe):
        if output.name not in request.skip:
            make(output, partial(_write_page if output.page else _write_text, document))


def _open(bounds: Bounds) -> PdfDocument:
    try:
        document = PdfDocument(Path(SOURCE))
    except PdfiumError as error:
        sys.stderr.write(f"{error}\n")
        if error.err_code == FPDF_ERR_PASSWORD:
            raise Refused("The PDF can only be opened with a password.") from error
        if error.err_code == FPDF_ERR_SECURITY:
            raise Refused("The PDF is encrypted in a way that is not supported.") from error
        raise Refused("The PDF is damaged, so it cannot be opened.") from error
    if len(document) > bounds.max_pages:
        raise Refused(f"The PDF has {len(document):,} pages; at most {bounds.max_pages:,} are allowed.")
    document.init_forms()  # so that what was filled in is drawn
    return document


def _write_page(document: PdfDocument, output: Output) -> Made:
    assert output.page is not None
    assert output.side is not None
    try:
        page = document[output.page - 1]
        scale = min(output.side / max(page.get_size()), MAX_SCALE)
        bitmap = page.render(scale=scale, rev_byteorder=True)
        strip = bitmap.stride // bitmap.n_channels
        pixels = Image.new_from_memory(bitmap.buffer, strip, bitmap.height, bitmap.n_channels, "uchar")
        image = pixels.crop(0, 0, bitmap.width, bitmap.height).copy(interpretation="srgb")
        save_webp(image, path_of(output))
    except (PdfiumError, Error, ValueError, ZeroDivisionError) as error:
        sys.stderr.write(f"{error}\n")
        raise CannotMake(f"Page {output.page} is damaged, so it cannot be drawn.") from error
    return Made(output.name, image.width, image.height)


def _write_text(document: PdfDocument, output: Output) -> Made:
    """Writes the text of all pages in UTF-8, at most `MAX_TEXT` bytes. The pages of a scan have none."""
    room = MAX_TEXT
    is_empty = True
    percent = 0
    with Path(path_of(output)).open("wb") as file:
        for index in range(len(document)):
            text = _text_of_page(document, index)
            is_empty = is_empty and not text.strip()
            encoded = (text + PAGE_BREAK).encode(errors="ignore")[:room]
            file.write(encoded.decode(errors="ignore").encode())  # no half of a character
            room -= len(encoded)
            if room <= 0:
                break
            if 100 * (index + 1) // len(document) > percent:
                percent = 100 * (index + 1) // len(document)
                emit(Progress(output.name, percent / 100))
    if is_empty:
        Path(path_of(output)).unlink()
        raise NothingToMake("The PDF has no text: its pages may be scanned pictures.")
    return Made(output.name)


def _text_of_page(document: PdfDocument, index: int) -> str:
    """The text with `\n` between lines, without characters that PostgreSQL refuses. Empty for a damaged page."""
    try:
        page = document[index]
        text: str = page.get_textpage().get_text_bounded()
        page.close()
    except PdfiumError as error:
        sys.stderr.write(f"Page {index + 1}: {error}\n")
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").replace(PAGE_BREAK, "\n")


if __name__ == "__main__":
    run(decode)
