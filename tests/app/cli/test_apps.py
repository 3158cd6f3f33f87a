"""`haulage apps`: a key with which an app signs grants, from its registration to its revocation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from jobs.access.audit import list_entries
from jobs.services import Services
from tests.app.cli.processes import Cli
from tests.helpers.issuers import Issuer

JOBS = "/v1/download/jobs"


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required"}


def bearer(key: ECKey | RSAKey, key_id: str) -> dict[str, str]:
    grant = {"files": [10_000]}
    return {"Authorization": f"Bearer {Issuer('portal').token(key, {'kid': key_id}, grant=grant)}"}


async def test_an_app_signs_with_the_key_that_was_printed(cli: Cli, api: httpx.AsyncClient, services: Services) -> None:
    done = await cli("apps", "add", "portal")
    assert done.code == 0, done.error
    [listed] = (await cli("apps", "list", "--json")).json
    assert listed["app"] == "portal"
    assert f"kid {listed['id']}, iss portal, aud haulage" in done.error
    granted = bearer(ECKey.import_key(done.out), listed["id"])
    assert (await api.get(JOBS, headers=granted)).status_code == 200
    assert (await cli("apps", "revoke", listed["id"])).code == 0
    assert (await api.get(JOBS, headers=granted)).status_code == 401
    assert (await cli("apps", "revoke", listed["id"])).code == 4
    assert "portal" in (await cli("apps", "list")).out
    recorded = [one.action for one in await list_entries(services.database, None, None, 10)]
    assert {(one.actor, one.action, one.subject) for one in recorded} == {
        ("terminal", action, listed["id"]) for action in ("addAppKey", "revokeAppKey")
    }


async def test_an_app_keeps_its_own_private_key(cli: Cli, api: httpx.AsyncClient, tmp_path: Path) -> None:
    key, file = RSAKey.generate_key(2048), tmp_path / "public.pem"
    file.write_bytes(key.as_pem(private=False))
    added = (await cli("apps", "add", "portal", "--public-key", str(file), "--json")).json
    assert added["privateKey"] is None
    assert (await api.get(JOBS, headers=bearer(key, added["id"]))).status_code == 200


@pytest.mark.filterwarnings("ignore:Key size should be")
async def test_what_is_no_app_and_no_key(cli: Cli, tmp_path: Path) -> None:
    weak, text, secret = tmp_path / "weak.pem", tmp_path / "text", tmp_path / "secret"
    weak.write_bytes(RSAKey.generate_key(1024).as_pem(private=False))
    text.write_text("no key")
    secret.write_bytes(OctKey.generate_key(256).raw_value)
    for file in (weak, text, secret, tmp_path / "missing"):
        assert (await cli("apps", "add", "portal", "--public-key", str(file))).code == 2
    for name in ("Portal", "https://portal.example", "a|b", ""):
        assert (await cli("apps", "add", name)).code == 2
    assert (await cli("apps", "list", "--json")).json == []
