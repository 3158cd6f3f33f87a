"""Presigned links, as a browser would use them, and what must not work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from jobs.settings import Settings
from jobs.storage import Storage
from tests.jobs.storage.stores import Fetch, MakeSettings

ZIP = "application/zip"


@pytest.mark.parametrize("key", ["plain", "a b+c#d%e", "ü/日本語 😀?x=1&y"])
async def test_a_link_gives_the_object_under_its_name_and_type(storage: Storage, fetch: Fetch, key: str) -> None:
    await storage.objects.put(key, b"0123456789", "text/plain")
    answer = await fetch(storage.presigner.presign(key, "GET", "my files.zip", ZIP, 60))
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert answer.headers["Content-Type"] == ZIP
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my files.zip"'


async def test_the_disposition_keeps_a_name_in_utf_8(storage: Storage, fetch: Fetch) -> None:
    await storage.objects.put("k", b"x", ZIP)
    answer = await fetch(storage.presigner.presign("k", "GET", "Größe 日本 100%.zip", ZIP, 60))
    disposition = answer.headers["Content-Disposition"]
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == "Größe 日本 100%.zip"
    assert disposition.isascii()


async def test_a_link_takes_ranges_so_that_downloads_resume(storage: Storage, fetch: Fetch) -> None:
    put = await storage.objects.put("k", b"0123456789", ZIP)
    url = storage.presigner.presign("k", "GET", "a.zip", ZIP, 60)
    answer = await fetch(url, Range="bytes=4-")
    assert (answer.status, answer.body) == (206, b"456789")
    assert answer.headers["Content-Range"] == "bytes 4-9/10"
    assert answer.headers["ETag"] == put.etag
    answer = await fetch(url, **{"Range": "bytes=4-6", "If-Match": '"another"'})
    assert answer.status == 412


async def test_a_head_link_tells_the_size(storage: Storage, fetch: Fetch) -> None:
    await storage.objects.put("k", b"0123456789", ZIP)
    answer = await fetch(storage.presigner.presign("k", "HEAD", "a.zip", ZIP, 60), "HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "10", b"")


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
async def test_a_link_is_good_for_one_method(storage: Storage, fetch: Fetch, method: str) -> None:
    await storage.objects.put("k", b"x", ZIP)
    assert (await fetch(storage.presigner.presign("k", "GET", "a.zip", ZIP, 60), method)).status == 403
    assert (await storage.objects.head("k")).size == 1


async def test_a_link_is_good_for_one_key(storage: Storage, fetch: Fetch) -> None:
    await storage.objects.put("k1", b"x", ZIP)
    await storage.objects.put("k2", b"x", ZIP)
    url = storage.presigner.presign("k1", "GET", "a.zip", ZIP, 60)
    assert (await fetch(url.replace("/k1?", "/k2?"))).status == 403


@pytest.mark.parametrize(
    ("good", "bad"), [("a.zip", "a.exe"), ("application%2Fzip", "text%2Fhtml"), ("Expires=60", "Expires=600")]
)
async def test_a_link_cannot_be_changed(storage: Storage, fetch: Fetch, good: str, bad: str) -> None:
    await storage.objects.put("k", b"x", ZIP)
    url = storage.presigner.presign("k", "GET", "a.zip", ZIP, 60)
    assert good in url
    assert (await fetch(url.replace(good, bad))).status == 403
    assert (await fetch(url)).status == 200


async def test_a_tampered_signature_is_refused(storage: Storage, fetch: Fetch) -> None:
    await storage.objects.put("k", b"x", ZIP)
    url = storage.presigner.presign("k", "GET", "a.zip", ZIP, 60)
    last = "0" if url[-1] != "0" else "1"
    assert (await fetch(url[:-1] + last)).status == 403


@pytest.mark.parametrize(("age", "status"), [(59, 403), (10, 200)])
async def test_a_link_ends_after_its_lifetime(store_settings: Settings, fetch: Fetch, age: int, status: int) -> None:
    async with Storage.open(store_settings, now=lambda: datetime.now(UTC) - timedelta(seconds=age)) as storage:
        await storage.objects.put("k", b"x", ZIP)
        assert (await fetch(storage.presigner.presign("k", "GET", "a.zip", ZIP, 40))).status == status


@pytest.mark.parametrize(("lifetime", "seconds"), [(0.2, 1), (-5, 1), (59.9, 59), (1e9, 604800)])
async def test_the_lifetime_is_kept_within_what_stores_sign(
    make_settings: MakeSettings, lifetime: float, seconds: int
) -> None:
    async with Storage.open(make_settings()) as storage:
        query = parse_qs(urlsplit(storage.presigner.presign("k", "GET", "a", ZIP, lifetime)).query)
    assert query["X-Amz-Expires"] == [str(seconds)]


@pytest.mark.parametrize(
    ("endpoint", "path_style", "start"),
    [
        ("https://files.example.org", True, "https://files.example.org/{bucket}/k?"),
        ("http://files.example.org:8080", True, "http://files.example.org:8080/{bucket}/k?"),
        ("https://files.example.org", False, "https://{bucket}.files.example.org/k?"),
        ("https://s3.eu-central-1.amazonaws.com", False, "https://{bucket}.s3.eu-central-1.amazonaws.com/k?"),
        ("https://s3.eu-central-1.amazonaws.com", True, "https://s3.eu-central-1.amazonaws.com/{bucket}/k?"),
    ],
)
async def test_links_point_at_the_public_address(
    make_settings: MakeSettings, endpoint: str, path_style: bool, start: str
) -> None:
    settings = make_settings(s3_public_endpoint=endpoint, s3_force_path_style=path_style, s3_region="eu-central-1")
    async with Storage.open(settings) as storage:
        url = storage.presigner.presign("k", "GET", "a", ZIP, 60)
    assert url.startswith(start.format(bucket=settings.s3_bucket_name))
    assert "%2Feu-central-1%2Fs3%2F" in url


async def test_the_public_address_is_what_is_signed(
    store_settings: Settings, make_settings: MakeSettings, fetch: Fetch
) -> None:
    address = urlsplit(store_settings.s3_endpoint)
    public = f"http://localhost:{address.port}"
    async with Storage.open(make_settings(s3_public_endpoint=public)) as storage:
        await storage.objects.put("k", b"x", ZIP)
        url = storage.presigner.presign("k", "GET", "a.zip", ZIP, 60)
    assert url.startswith(public)
    assert (await fetch(url.replace("localhost", "127.0.0.1"))).status == 403  # another Host than the signed one
    assert (await fetch(url.replace("localhost", "127.0.0.1"), Host=f"localhost:{address.port}")).status == 200
