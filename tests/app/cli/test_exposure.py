"""What `haulage check` finds at the store, the clocks and the issuers."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from minio import Minio

from app.cli import exposure
from app.cli.exposure import find_public_bucket, find_warnings
from jobs.services import Services
from tests.helpers.access import key_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.issuers import running_issuer
from tests.helpers.running import taking_in
from tests.helpers.settings import with_changes


def allow_everybody(services: Services, action: str, resource: str) -> None:
    """Sets a policy of the bucket."""
    settings = services.settings
    keys = settings.s3_access_key_id, settings.s3_secret_access_key.get_secret_value()
    client = Minio(settings.s3_endpoint.partition("://")[2], *keys, secure=False, region=settings.s3_region)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": [action],
        "Resource": [f"arn:aws:s3:::{settings.s3_bucket_name}{resource}"],
    }
    client.set_bucket_policy(settings.s3_bucket_name, json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (None, []),
        (("s3:ListBucket", ""), ["everybody can list"]),
        (("s3:GetObject", "/*"), ["files everybody can read"]),
    ],
)
async def test_what_the_store_lets_everybody_do_is_named(
    services: Services, catalogue: Catalogue, policy: tuple[str, str] | None, words: list[str]
) -> None:
    await catalogue.add(b"secret", "a.txt")
    if policy is not None:
        allow_everybody(services, *policy)
    found = await find_public_bucket(services)
    assert len(found) == len(words)
    assert all(word in finding for word, finding in zip(words, found, strict=True))


async def test_a_store_that_is_gone_is_not_called_open(services: Services) -> None:
    gone = replace(services, settings=with_changes(services.settings, s3_endpoint="http://127.0.0.1:9"))
    assert await find_public_bucket(gone) == []
    assert await find_warnings(gone) == []


@pytest.mark.parametrize(("ahead", "word"), [(60.0, "behind"), (-60.0, "ahead of"), (0.0, None)])
async def test_clocks_that_differ_are_named(
    services: Services, monkeypatch: pytest.MonkeyPatch, ahead: float, word: str | None
) -> None:
    monkeypatch.setattr(exposure, "local_time", lambda: time.time() + ahead)
    found = await find_warnings(services)
    assert [finding.partition(" is ")[0] for finding in found] == (
        [] if word is None else ["The clock of PostgreSQL", "The clock of the store"]
    )
    assert all(f" s {word} this machine's" in finding for finding in found)


async def test_an_intake_that_does_not_respond_is_named(services: Services) -> None:
    async with taking_in(services.settings) as intake:
        checked = replace(services, settings=with_changes(services.settings, intake_url=intake))
        assert await find_warnings(checked) == []
    [found] = await find_warnings(checked)
    assert found.startswith(f"No intake responds at INTAKE_URL, which is {intake} (")


async def test_issuers_without_usable_keys_and_keys_without_an_end_are_named(services: Services) -> None:
    await key_of(services, "olga")
    await key_of(services, "otto", expires_in=60)
    async with running_issuer() as good, running_issuer() as bad:
        bad.keys = []
        changes: dict[str, Any] = {
            "auth_mode": "required",
            "jwt_issuers": f"{good.url},{bad.url}",
            "oidc_issuer": "http://127.0.0.1:9",
            "oidc_client_id": "haulage",
            "public_url": "https://site.example",
        }
        checked = replace(services, settings=with_changes(services.settings, **changes))
        found = await find_warnings(checked)
        assert [finding.split(" (")[0].split(":")[0] for finding in found[:1]] == ["1 API keys never expire"]
        assert found[1].startswith(f"{bad.url} publishes no key")
        assert found[2].startswith("The keys of http://127.0.0.1:9 can't be read (")
        assert len(found) == 3
    assert await find_warnings(services) == [], "an open server needs neither"
