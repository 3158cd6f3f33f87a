"""The bucket, and what opening and closing leave behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pytest
import structlog
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from jobs.blobs import Blobs
from jobs.domain.errors import StorageFault
from jobs.settings import Settings
from tests.jobs.blobs.conftest import MakeSettings
from tests.jobs.blobs.faults import closed_port, relaying, serving

TYPE = "application/zip"


async def test_ensure_makes_the_bucket_once(blobs: Blobs, store_settings: Settings) -> None:
    assert blobs.bucket.name == store_settings.s3_bucket_name
    await blobs.bucket.check()
    await blobs.bucket.ensure()
    await blobs.bucket.check()


async def test_a_bucket_that_is_missing_is_made(blobs: Blobs, store_settings: Settings) -> None:
    blobs.bucket._maker.client.remove_bucket(store_settings.s3_bucket_name)  # noqa: SLF001
    with pytest.raises(StorageFault, match=store_settings.s3_bucket_name):
        await blobs.bucket.check()
    await asyncio.gather(*(blobs.bucket.ensure() for _ in range(4)))  # as processes do that start together
    await blobs.bucket.check()


def rules(blobs: Blobs) -> list[str | None]:
    """The ids of the bucket's lifecycle rules."""
    config = blobs.bucket._maker.client.get_bucket_lifecycle(blobs.bucket.name)  # noqa: SLF001
    return [rule.rule_id for rule in config.rules] if config else []


async def test_a_store_that_takes_the_rule_drops_forgotten_uploads_by_itself(blobs: Blobs) -> None:
    with structlog.testing.capture_logs() as said:
        await blobs.bucket.ensure()
    refused = [line["code"] for line in said if line["event"] == "lifecycle_rule_refused"]
    assert (rules(blobs), refused) in ((["haulage-forgotten-uploads"], []), ([], ["InvalidArgument"]))


async def test_rules_that_a_bucket_has_are_its_owners(blobs: Blobs) -> None:
    own = Rule(ENABLED, rule_filter=Filter(prefix="mine/"), rule_id="mine", expiration=Expiration(days=3))
    client = blobs.bucket._maker.client  # noqa: SLF001
    client.set_bucket_lifecycle(blobs.bucket.name, LifecycleConfig([own]))
    await blobs.bucket.ensure()
    assert rules(blobs) == ["mine"]


async def test_opening_asks_nobody_and_starts_nothing(make_settings: MakeSettings) -> None:
    before = threading.active_count()
    blobs = Blobs.open(make_settings(s3_endpoint=closed_port()))
    assert threading.active_count() == before
    await blobs.close()


async def test_closing_leaves_no_thread_and_no_connection(store_settings: Settings) -> None:
    async with Blobs.open(store_settings) as blobs:
        await blobs.bucket.check()
        info = await blobs.objects.put("k", bytes(9 * 1024 * 1024), TYPE)
        reading = blobs.objects.read("k", info.etag, 0, info.size)
        await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined] # it is a generator
        assert any(thread.name.startswith("blobs-") for thread in threading.enumerate())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("blobs-")]
    del blobs
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
        blobs = Blobs.open(make_settings(s3_endpoint=endpoint))
        await blobs.bucket.ensure()
        await blobs.bucket.check()
        upload_id = await blobs.uploads.create("k", TYPE)
        etag = await blobs.uploads.upload_part("k", upload_id, 1, b"x")
        await blobs.uploads.complete("k", upload_id, [(1, etag)])
        await blobs.close()
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
    async with Blobs.open(store_settings) as blobs:
        await blobs.bucket.check()
        await blobs.objects.put("small", b"x", TYPE)
        info = await blobs.objects.put("large", bytes(9 * 1024 * 1024), TYPE)
        assert sum([len(chunk) async for chunk in blobs.objects.read("large", info.etag, 0, info.size)]) == info.size
        await blobs.objects.delete(["small", "large"])
