"""The conformance suite of the store: run against the embedded SeaweedFS, or the store that these variables name.

    HAULAGE_TEST_S3_ENDPOINT, HAULAGE_TEST_S3_ACCESS_KEY, HAULAGE_TEST_S3_SECRET_KEY

`tests/minio.sh` runs it against MinIO.
"""

from __future__ import annotations

import asyncio
import http.client
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from jobs.settings import Settings
from jobs.storage import Storage
from tests.jobs.storage.stores import Answer, Fetch, MakeSettings, Store


@pytest.fixture(scope="session")
def store(request: pytest.FixtureRequest) -> Store:
    endpoint = os.environ.get("HAULAGE_TEST_S3_ENDPOINT")
    if endpoint:
        return Store(endpoint, os.environ["HAULAGE_TEST_S3_ACCESS_KEY"], os.environ["HAULAGE_TEST_S3_SECRET_KEY"])
    environment = request.getfixturevalue("stack").environment()
    return Store(environment["S3_ENDPOINT"], environment["S3_ACCESS_KEY_ID"], environment["S3_SECRET_ACCESS_KEY"])


@pytest.fixture
def make_settings(store: Store) -> MakeSettings:
    """Return `Settings` with the given changes for a bucket of the test's own, which does not exist yet."""
    bucket = f"test-{uuid4().hex}"

    def make(**changes: Any) -> Settings:
        values: dict[str, Any] = {
            "database_url": "postgresql://nobody@localhost/none",
            "redis_url": "redis://localhost/0",
            "s3_endpoint": store.endpoint,
            "s3_public_endpoint": None,
            "s3_access_key_id": store.access_key,
            "s3_secret_access_key": store.secret_key,
            "s3_bucket_name": bucket,
        }
        return Settings(**values | changes)

    return make


@pytest.fixture
def store_settings(make_settings: MakeSettings) -> Iterator[Settings]:
    """Settings of a bucket that exists, and is deleted after the test."""
    settings = make_settings()
    address = urlsplit(settings.s3_endpoint)
    secret = settings.s3_secret_access_key.get_secret_value()
    client = Minio(
        address.netloc, settings.s3_access_key_id, secret, secure=address.scheme == "https", region="us-east-1"
    )
    client.make_bucket(settings.s3_bucket_name)
    yield settings
    try:
        # Repeated: MinIO does not list keys below a key that is an object itself ("a" hides "a/b").
        while keys := [each.object_name for each in client.list_objects(settings.s3_bucket_name, recursive=True)]:
            doomed = (DeleteObject(key) for key in keys if key)
            assert not list(client.remove_objects(settings.s3_bucket_name, doomed))
        client.remove_bucket(settings.s3_bucket_name)
    except S3Error as error:
        if error.code != "NoSuchBucket":  # a test may have deleted it
            raise


@pytest.fixture
async def storage(store_settings: Settings) -> AsyncIterator[Storage]:
    async with Storage.open(store_settings) as opened:
        yield opened


@pytest.fixture
def fetch() -> Fetch:
    """Fetch a link as a browser does, with `http.client`, which sends the URL unchanged."""

    async def fetch(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        return await asyncio.to_thread(_fetch, url, method, body, headers)

    return fetch


def _fetch(url: str, method: str, body: bytes | None, headers: dict[str, str]) -> Answer:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=10)
    try:
        connection.request(method, f"{address.path}?{address.query}", body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()
