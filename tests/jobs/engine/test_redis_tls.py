"""Redis over TLS, with a certificate of a private CA."""

from __future__ import annotations

import os
import sys
from asyncio import create_subprocess_exec
from typing import Any

import pytest
from pydantic import RedisDsn, ValidationError

from jobs.engine.live.feed import UNAVAILABLE, RedisFeed
from jobs.engine.wakeups.probe import probe_redis
from jobs.engine.wakeups.queue import arq_redis
from jobs.errors import RedisUnavailable
from jobs.services import Services
from jobs.settings import RedisSettings, Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, until_completed
from tests.helpers.running import serving, working
from tests.helpers.settings import WAKE_UPS_ONLY, with_changes
from tests.helpers.tls import Certificates, tls_in_front


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def responds(url: str, **options: Any) -> bool:
    """Whether Redis responds to the clients of events and of wake-ups; both must agree."""
    settings = RedisSettings(redis_url=RedisDsn(url), **options)
    feed = RedisFeed.open(settings)
    redis = arq_redis(settings, timeout=5)
    found = True
    try:
        await probe_redis(feed)
    except RedisUnavailable:
        found = False
    await feed.close()
    try:
        assert bool(await redis.ping()) == found
    except UNAVAILABLE:
        assert not found
    finally:
        await redis.aclose(close_connection_pool=True)
    return found


async def test_a_worker_receives_wake_ups_over_tls(
    services: Services, settings: Settings, catalogue: Catalogue, certificates: Certificates
) -> None:
    async with tls_in_front(str(settings.redis_url), certificates.server_context()) as url:
        changes = WAKE_UPS_ONLY | {"redis_url": url, "redis_ca_file": certificates.ca_file}
        over_tls = with_changes(settings, **changes)
        async with serving(over_tls), working(over_tls):
            await until_completed(services, [await create(services, await catalogue.add(b"x"))])


async def test_the_certificate_and_its_name_are_verified(settings: Settings, certificates: Certificates) -> None:
    async with tls_in_front(str(settings.redis_url), certificates.server_context()) as url:
        assert await responds(url, redis_ca_file=certificates.ca_file)
        assert await responds(f"{url}?ssl_ca_certs={certificates.ca_file}")
        assert await responds(f"{url}?ssl_cert_reqs=none")
        assert not await responds(url)
    async with tls_in_front(str(settings.redis_url), certificates.server_context("other.example.org")) as url:
        assert not await responds(url, redis_ca_file=certificates.ca_file)
        assert await responds(f"{url}?ssl_check_hostname=no", redis_ca_file=certificates.ca_file)


async def test_a_client_certificate(settings: Settings, certificates: Certificates) -> None:
    async with tls_in_front(str(settings.redis_url), certificates.server_context(client_certificates=True)) as url:
        files = f"ssl_certfile={certificates.client_cert}&ssl_keyfile={certificates.client_key}"
        assert await responds(f"{url}?{files}", redis_ca_file=certificates.ca_file)
        assert not await responds(url, redis_ca_file=certificates.ca_file)


async def test_the_cas_of_the_system(settings: Settings, certificates: Certificates) -> None:
    program = """
import asyncio, sys
from tests.jobs.engine.test_redis_tls import responds
sys.exit(0 if asyncio.run(responds(sys.argv[1])) else 1)
"""
    async with tls_in_front(str(settings.redis_url), certificates.server_context()) as url:
        environment = {**os.environ, "SSL_CERT_FILE": str(certificates.ca_file)}
        process = await create_subprocess_exec(sys.executable, "-c", program, url, env=environment)
        assert await process.wait() == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://h/0?ssl_ca_certs=a", "the parameter 'ssl_ca_certs' is not supported: use rediss:// or remove it"),
        ("rediss://h/0?timeout=1", "the parameter 'timeout' is not supported: remove it"),
    ],
)
async def test_unsupported_parameters_are_refused_by_name(settings: Settings, url: str, said: str) -> None:
    with pytest.raises(ValidationError, match="redis_url") as refused:
        with_changes(settings, redis_url=url)
    assert said in str(refused.value)
