"""The store over TLS, with a certificate of a private CA."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.errors import HaulageError, StorageUnreachable
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.error_translation import UploadGone
from tests.helpers.settings import with_changes
from tests.helpers.tls import Certificates, tls_in_front
from tests.jobs.storage.stores import MakeSettings


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def over_tls(store_settings: Settings, certificates: Certificates) -> AsyncIterator[Settings]:
    """Settings of a bucket that exists, over TLS."""
    async with tls_in_front(store_settings.s3_endpoint, certificates.server_context()) as url:
        yield with_changes(store_settings, s3_endpoint=url)


Use = Callable[[Storage], Awaitable[object]]
USES: dict[str, Use] = {
    "bucket": lambda storage: storage.bucket.check(),
    "put": lambda storage: storage.objects.put("a", b"content", "text/plain"),
    "read": lambda storage: storage.objects.list_page("", "0"),
    "multipart": lambda storage: storage.multipart.list_uploads(""),
    "complete": lambda storage: storage.multipart.complete("a", "unknown", [(1, '"a"')]),
}
"""A call of each client: minio, our PUT, obstore, and botocore's two."""


async def outcomes(storage: Storage) -> dict[str, str]:
    """The message of each client's error; that of an upload which does not exist proves that the store responded."""
    messages = {}
    for name, use in USES.items():
        try:
            await use(storage)
        except HaulageError as error:
            if not isinstance(error, UploadGone):
                messages[name] = error.message
    return messages


async def test_every_client_trusts_the_ca_file(over_tls: Settings, certificates: Certificates) -> None:
    async with Storage.open(with_changes(over_tls, s3_ca_file=certificates.ca_file)) as storage:
        await storage.bucket.ensure()
        assert await outcomes(storage) == {}
        await storage.check()


@pytest.mark.parametrize(
    ("content", "said"), [(None, "Path does not point to a file"), (b"x", "the file has no certificates in PEM format")]
)
def test_a_file_that_is_no_ca_is_refused(
    make_settings: MakeSettings, tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    for name in ("s3_ca_file", "redis_ca_file"):
        with pytest.raises(ValidationError, match=said):
            make_settings(**{name: tmp_path / "ca.pem"})


async def test_no_client_trusts_an_unknown_ca(over_tls: Settings) -> None:
    async with Storage.open(over_tls) as storage:
        messages = await outcomes(storage)
        with pytest.raises(StorageUnreachable, match="certificate"):
            await storage.check()
    assert set(messages) == set(USES)
    for message in messages.values():
        assert message.startswith("The certificate of the store was rejected (")
        assert message.endswith(": check S3_CA_FILE.")


async def test_every_client_checks_the_name_in_the_certificate(
    store_settings: Settings, certificates: Certificates
) -> None:
    async with tls_in_front(store_settings.s3_endpoint, certificates.server_context("other.example.org")) as url:
        changes = {"s3_endpoint": url, "s3_ca_file": certificates.ca_file}
        async with Storage.open(with_changes(store_settings, **changes)) as storage:
            messages = await outcomes(storage)
    assert set(messages) == set(USES)
    assert all("certificate" in message for message in messages.values())


async def test_every_client_trusts_the_cas_of_the_system(over_tls: Settings, certificates: Certificates) -> None:
    """Both OpenSSL and rustls take them from `SSL_CERT_FILE`, which is read once by a process."""
    program = """
import asyncio
from jobs.settings import Settings
from jobs.storage import Storage
from tests.jobs.storage.test_tls import outcomes

async def main():
    async with Storage.open(Settings()) as storage:
        await storage.bucket.ensure()
        print(await outcomes(storage))

asyncio.run(main())
"""
    names = ("database_url", "redis_url", "s3_endpoint", "s3_access_key_id", "s3_bucket_name")
    values = {name.upper(): str(getattr(over_tls, name)) for name in names}
    values["S3_SECRET_ACCESS_KEY"] = over_tls.s3_secret_access_key.get_secret_value()
    values["SSL_CERT_FILE"] = str(certificates.ca_file)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env={**os.environ, **values}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.splitlines()[-1] == b"{}", output  # logs come before it
