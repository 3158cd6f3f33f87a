"""What a form may look like, and how little of it is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request

from app.intake.form_uploads import FIELDS
from app.intake.forms import MAX_FIELD_BYTES, MAX_FORM_PARTS, FormHead, FormReader
from app.problems import BodyTooLarge, UnsupportedMediaType
from jobs.errors import InvalidRequest

B = "----boundary"
END = f"--{B}--\r\n"


def field(name: str, value: str) -> str:
    return f'--{B}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def file(name: str, content: str = "x", more: str = "") -> str:
    return f'--{B}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n{more}\r\n{content}\r\n'


FILE = file("a.txt", "hello", "Content-Type: text/plain\r\n")


class Client:
    """Sends chunks of a body, and remembers how many were read."""

    def __init__(self, chunks: Iterable[bytes], *, leaves: bool = False) -> None:
        self.chunks = list(chunks)
        self.leaves = leaves
        self.read = 0

    async def receive(self) -> dict[str, Any]:
        if self.read < len(self.chunks):
            self.read += 1
            return {"type": "http.request", "body": self.chunks[self.read - 1], "more_body": True}
        if self.leaves:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}


def request(client: Client, content_type: str = f"multipart/form-data; boundary={B}", **headers: str) -> Request:
    fields = {"content-type": content_type, **{name.replace("_", "-"): text for name, text in headers.items()}}
    raw = [(name.encode(), text.encode("latin-1")) for name, text in fields.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, client.receive)


def reader(client: Client, max_bytes: int = 10_000_000, **headers: str) -> FormReader:
    return FormReader(request(client, **headers), FIELDS, max_bytes)


async def read(body: str | Sequence[bytes], **options: Any) -> tuple[FormHead, bytes]:
    form = reader(Client([body.encode()] if isinstance(body, str) else body), **options)
    head = await form.head()
    return head, b"".join([chunk async for chunk in form.content()])


async def test_fields_come_first_and_then_the_bytes_of_the_file() -> None:
    body = field("visibility", "shared") + field("groups", "a") + field("groups", "ü") + FILE + END
    head, content = await read(body)
    assert head == FormHead({"visibility": "shared", "groups": ["a", "ü"]}, "a.txt", "text/plain")
    assert content == b"hello"


async def test_empty_fields_count() -> None:
    await read(field("groups", "") * (MAX_FORM_PARTS - 1) + FILE + END)
    with pytest.raises(InvalidRequest, match="200 parts at most"):
        await read(field("groups", "") * MAX_FORM_PARTS + FILE + END)


async def test_the_file_may_have_any_field_name_and_no_type() -> None:
    head, content = await read(FILE.replace('"file"', '"upload"').replace("Content-Type: text/plain\r\n", "") + END)
    assert (head.file_name, head.content_type, content) == ("a.txt", None, b"hello")


@given(
    content=st.binary(max_size=300) | st.sampled_from([B.encode(), f"\r\n--{B[:-1]}".encode(), b"\r\n" * 50]),
    size=st.integers(1, 40),
)
async def test_however_a_form_is_cut_into_chunks_the_file_is_the_same(content: bytes, size: int) -> None:
    if f"\r\n--{B}".encode() in b"\r\n" + content:
        return
    body = b"".join((field("name", "b").encode(), FILE.encode().replace(b"hello", content), END.encode()))
    head, found = await read([body[start : start + size] for start in range(0, len(body), size)])
    assert (head.fields, head.file_name, found) == ({"name": "b"}, "a.txt", content)


async def test_an_empty_file_is_a_file() -> None:
    assert (await read(file("empty", "") + END))[1] == b""


async def test_what_a_browser_sends_where_no_file_was_selected_is_none() -> None:
    assert (await read(file("", "") + FILE + END))[0].file_name == "a.txt"
    assert (await read(FILE + file("", "") + END))[1] == b"hello"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (field("name", "b") + END, "has no file"),
        (END, "has no file"),
        (file("", "") + END, "has no file"),
        (file("", "bytes") + END, "file: is a file without a name"),
        (FILE + file("b.txt") + END, "file: is a second file: send each in a request of its own. Nothing was stored."),
        (FILE + field("visibility", "public") + END, "visibility: must come before the file"),
        (field("colour", "red") + FILE + END, "colour: is unknown: a form has the fields groups, lastModified, name,"),
        (field("file", "hello") + END, "file: is unknown"),
        (field("name", "a") + field("name", "b") + FILE + END, "name: must be sent once"),
        (field("name", "x" * (MAX_FIELD_BYTES + 1)) + FILE + END, "name: is too long"),
        (field("groups", "x" * 9000) * 8 + FILE + END, "groups: is too long"),
        (file("a", "aGVsbG8=", "Content-Transfer-Encoding: base64\r\n") + END, "Content-Transfer-Encoding 'base64'"),
        (FILE, "it was cut off"),
        (FILE + END[:-5], "it was cut off"),
        (FILE[:-5], "it was cut off"),
        (FILE[:40], "has no file|cut off"),
        ("", "has no file|cut off"),
        (FILE.replace(B, "other") + END, "not valid multipart/form-data"),
        (FILE[2:] + END, "not valid multipart/form-data"),
        ("hello", "not valid multipart/form-data"),
        (file("a", "x", f"X: {'x' * 5000}\r\n") + END, "not valid multipart/form-data"),
        (file("a", "x", "X: x\r\n" * 20) + END, "not valid multipart/form-data"),
    ],
)
async def test_another_form_is_refused_and_the_error_says_why(body: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as raised:
        await read(body)
    assert "Nothing was stored" in raised.value.message or "has no file" in raised.value.message


async def test_fields_have_to_be_utf8() -> None:
    with pytest.raises(InvalidRequest, match="name: must be UTF-8"):
        await read([field("name", "?").encode().replace(b"?", b"\xff"), FILE.encode(), END.encode()])


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x"],
)
async def test_another_body_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="must be multipart/form-data"):
        FormReader(request(Client([]), content_type), FIELDS, 100)


@pytest.mark.parametrize("boundary", ["", "; boundary=", f"; boundary={'x' * 71}", '; boundary="é"'])
async def test_a_form_without_a_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(InvalidRequest, match="must have a boundary"):
        FormReader(request(Client([]), f"multipart/form-data{boundary}"), FIELDS, 100)


async def test_a_form_that_is_too_large_is_refused_before_it_is_read() -> None:
    client = Client([b"x"])
    with pytest.raises(BodyTooLarge, match="larger than 100 bytes"):
        reader(client, 100, content_length="101")
    assert client.read == 0


async def test_one_without_a_length_is_refused_at_the_first_byte_too_many() -> None:
    body = [FILE.encode(), b"x" * 1000, END.encode()]
    with pytest.raises(BodyTooLarge):
        await read(body, max_bytes=500)


async def test_a_client_that_leaves_is_noticed() -> None:
    form = reader(Client([FILE.encode()], leaves=True))
    await form.head()
    with pytest.raises(ClientDisconnect):
        async for _ in form.content():
            pass


async def test_one_chunk_is_in_memory_at_a_time() -> None:
    """The next one is read when what the last one had of the file was taken."""
    client = Client([file("a", "").encode()[:-2], *[b"x" * 1000] * 20, b"\r\n", END.encode()])
    form = reader(client)
    await form.head()
    taken = 0
    async for chunk in form.content():
        taken += len(chunk)
        assert client.read <= taken // 1000 + 2


async def everything(form: FormReader) -> None:
    await form.head()
    async for _ in form.content():
        pass


@given(
    body=st.binary(max_size=400)
    | st.lists(st.sampled_from([FILE, END, field("name", "a"), "\r\n", "--", B, "\x00"])).map("".join).map(str.encode)
)
async def test_any_bytes_are_a_form_or_bad_input(body: bytes) -> None:
    with suppress(InvalidRequest):
        await everything(reader(Client([body])))
