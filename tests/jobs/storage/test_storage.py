"""The bucket, and the resources of an opened and closed `Storage`."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import httpx
import pytest
import structlog
from botocore.exceptions import ClientError
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from jobs.errors import StorageFault
from jobs.settings import Settings
from jobs.storage import Storage
from tests.jobs.storage.faults import closed_port, relaying, serving
from tests.jobs.storage.stores import MakeSettings

TYPE = "application/zip"


async def test_ensure_creates_the_bucket_once(storage: Storage, store_settings: Settings) -> None:
    assert storage.bucket.name == store_settings.s3_bucket_name
    await storage.bucket.check()
    await storage.bucket.ensure()
    await storage.bucket.check()


async def test_a_missing_bucket_is_created(storage: Storage, store_settings: Settings) -> None:
    storage.bucket._admin_client.client.remove_bucket(store_settings.s3_bucket_name)  # noqa: SLF001
    with pytest.raises(StorageFault, match=store_settings.s3_bucket_name):
        await storage.bucket.check()
    await asyncio.gather(*(storage.bucket.ensure() for _ in range(4)))  # as processes that start together do
    await storage.bucket.check()


def rules(storage: Storage) -> list[str | None]:
    """The ids of the bucket's lifecycle rules."""
    config = storage.bucket._admin_client.client.get_bucket_lifecycle(storage.bucket.name)  # noqa: SLF001
    return [rule.rule_id for rule in config.rules] if config else []


async def test_a_store_that_accepts_the_rule_aborts_incomplete_uploads(storage: Storage) -> None:
    with structlog.testing.capture_logs() as said:
        await storage.bucket.ensure()
    refused = [line["code"] for line in said if line["event"] == "lifecycle_rule_rejected"]
    assert (rules(storage), refused) in ((["haulage-abort-incomplete-uploads"], []), ([], ["InvalidArgument"]))


async def test_existing_lifecycle_rules_are_kept(storage: Storage) -> None:
    own = Rule(ENABLED, rule_filter=Filter(prefix="mine/"), rule_id="mine", expiration=Expiration(days=3))
    client = storage.bucket._admin_client.client  # noqa: SLF001
    client.set_bucket_lifecycle(storage.bucket.name, LifecycleConfig([own]))
    await storage.bucket.ensure()
    assert rules(storage) == ["mine"]


async def test_opening_makes_no_request_and_starts_no_thread(make_settings: MakeSettings) -> None:
    before = threading.active_count()
    storage = Storage.open(make_settings(s3_endpoint=closed_port()))
    assert threading.active_count() == before
    await storage.close()


async def test_closing_leaves_no_thread_and_no_connection(store_settings: Settings) -> None:
    async with Storage.open(store_settings) as storage:
        await storage.bucket.check()
        info = await storage.objects.put("k", bytes(9 * 1024 * 1024), TYPE)
        reading = storage.objects.read("k", info.etag, 0, info.size)
        await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined] # it is a generator
        assert any(thread.name.startswith("storage-") for thread in threading.enumerate())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("storage-")]
    del storage
    gc.collect()  # an unclosed socket would warn now, and a warning is an error


async def test_closing_ends_the_connections_at_once(store_settings: Settings, make_settings: MakeSettings) -> None:
    ended: list[asyncio.Event] = []
    relay = relaying(store_settings.s3_endpoint)

    async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        mine = ended[-1]
        await relay(reader, writer)
        mine.set()

    async with serving(watched) as endpoint:
        storage = Storage.open(make_settings(s3_endpoint=endpoint))
        await storage.bucket.ensure()
        await storage.bucket.check()
        upload_id = await storage.multipart.create("k", TYPE)
        etag = await storage.multipart.upload_part("k", upload_id, 1, b"x")
        await storage.multipart.complete("k", upload_id, [(1, etag)])
        await storage.close()
        assert len(ended) == 5
        await asyncio.wait_for(asyncio.gather(*(each.wait() for each in ended)), 5)


async def test_the_environment_of_aws_tools_changes_nothing(
    store_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\ns3 =\n  addressing_style = virtual\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "stranger",
        "AWS_SECRET_ACCESS_KEY": "stranger",
        "AWS_SESSION_TOKEN": "stranger",
        "AWS_PROFILE": "not-there",
        "AWS_CONFIG_FILE": str(config),
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": closed_port(),
        "AWS_ENDPOINT_URL_S3": closed_port(),
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_CHECKSUM_ALGORITHM": "crc64nvme",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
        "AWS_MAX_ATTEMPTS": "5",
        "HTTP_PROXY": closed_port(),
        "http_proxy": closed_port(),
        "ALL_PROXY": closed_port(),
        "NO_PROXY": "",
        "no_proxy": "",
    }.items():
        monkeypatch.setenv(name, value)
    async with Storage.open(store_settings) as storage:
        await storage.bucket.check()
        await storage.objects.put("small", b"x", TYPE)
        info = await storage.objects.put("large", bytes(9 * 1024 * 1024), TYPE)
        assert sum([len(chunk) async for chunk in storage.objects.read("large", info.etag, 0, info.size)]) == info.size
        await storage.objects.delete(["small", "large"])


async def test_browsers_may_put_parts_from_any_origin(storage: Storage) -> None:
    put = storage.part_signer.sign_object("raw/a", 5, 0x3610A686)
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": ",".join(sorted(put.headers)),
    }
    await storage.bucket.ensure()
    async with httpx.AsyncClient() as browser:
        preflight = await browser.options(put.url, headers=headers)
        sent = await browser.put(put.url, headers={"Origin": headers["Origin"], **put.headers}, content=b"hello")
    assert preflight.is_success
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-origin"] in {"*", headers["Origin"]}
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert allowed == "*" or set(put.headers) <= {name.strip() for name in allowed.split(",")}
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (
        200,
        preflight.headers["access-control-allow-origin"],
    )


async def test_a_store_that_accepts_it_gets_the_cors_rule(storage: Storage) -> None:
    client = storage.bucket._botocore_client  # noqa: SLF001
    with structlog.testing.capture_logs() as said:
        await storage.bucket.ensure()
    if [line for line in said if line["event"] == "cors_rule_rejected"]:
        return  # MinIO, which allows every origin
    [rule] = client.get_bucket_cors(Bucket=storage.bucket.name)["CORSRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"], rule["AllowedHeaders"]) == (["GET", "PUT"], ["*"], ["*"])
    older = {**rule, "AllowedMethods": ["PUT"]}
    client.put_bucket_cors(Bucket=storage.bucket.name, CORSConfiguration={"CORSRules": [older]})
    await storage.bucket.ensure()
    assert client.get_bucket_cors(Bucket=storage.bucket.name)["CORSRules"] == [rule]


async def test_existing_cors_rules_are_kept(storage: Storage) -> None:
    client, bucket = storage.bucket._botocore_client, storage.bucket.name  # noqa: SLF001
    own = [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://app.example"]}]
    try:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": own})
    except ClientError as error:
        refusal = error.response["ResponseMetadata"]["HTTPStatusCode"]
    else:
        refusal = None
    if refusal is not None:
        assert refusal == 501  # MinIO
        return
    await storage.bucket.ensure()
    [rule] = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert rule["AllowedOrigins"] == ["https://app.example"]
