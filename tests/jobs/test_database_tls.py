"""PostgreSQL over TLS, with a certificate of a private CA. PgBouncer's own TLS is the second server."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.database import Database
from jobs.errors import DatabaseRefused, DatabaseUnavailable
from tests.helpers.pgbouncer import pgbouncer
from tests.helpers.tls import Certificates, tls_in_front


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, so that no certificate of this user is found."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


async def ping(url: str) -> None:
    database = Database.open(url, pool_size=1, timeout=5)
    try:
        await database.ping()
    finally:
        await database.close()


async def refused(url: str, said: str) -> None:
    with pytest.raises(DatabaseRefused) as caught:
        await ping(url)
    assert said in caught.value.reason


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("sslmode=require", None),
        ("sslmode=prefer", None),
        ("sslmode=verify-ca&sslrootcert={ca}", None),
        ("sslmode=verify-full&sslrootcert={ca}", None),
        ("sslmode=require&sslrootcert={other_ca}", "certificate verify failed"),
        ("sslmode=verify-ca&sslrootcert={other_ca}", "certificate verify failed"),
        ("sslrootcert=system", "certificate verify failed"),
        ("sslmode=require&ssl_min_protocol_version=TLSv1.3", None),
        ("sslmode=require&ssl_max_protocol_version=TLSv1.2", None),
    ],
)
async def test_modes(
    database_url: str, certificates: Certificates, tmp_path: Path, parameters: str, said: str | None
) -> None:
    (tmp_path / "other").mkdir()
    files: dict[str, Any] = {"ca": certificates.ca_file, "other_ca": Certificates(tmp_path / "other").ca_file}
    async with tls_in_front(database_url, certificates.server_context()) as url:
        asked = f"{url}?{parameters.format(**files)}"
        await (ping(asked) if said is None else refused(asked, said))


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_only_verify_full_checks_the_name(database_url: str, certificates: Certificates, mode: str) -> None:
    async with tls_in_front(database_url, certificates.server_context("other.example.org")) as url:
        verified = f"{url}?sslmode={mode}&sslrootcert={certificates.ca_file}"
        await (refused(verified, "IP address mismatch") if mode == "verify-full" else ping(verified))


async def test_the_root_certificate_of_the_user_is_found(
    database_url: str, certificates: Certificates, home: Path
) -> None:
    (home / ".postgresql").mkdir()
    (home / ".postgresql" / "root.crt").write_bytes(certificates.ca_file.read_bytes())
    async with tls_in_front(database_url, certificates.server_context()) as url:
        await ping(f"{url}?sslmode=verify-full")


@pytest.mark.usefixtures("home")
async def test_a_client_certificate(database_url: str, certificates: Certificates) -> None:
    async with tls_in_front(database_url, certificates.server_context(client_certificates=True)) as url:
        verified = f"{url}?sslmode=verify-full&sslrootcert={certificates.ca_file}"
        await ping(f"{verified}&sslcert={certificates.client_cert}&sslkey={certificates.client_key}")
        with pytest.raises(DatabaseUnavailable):
            await ping(verified)


async def test_the_cas_of_the_system(database_url: str, certificates: Certificates) -> None:
    """OpenSSL takes them from `SSL_CERT_FILE`."""
    program = "import asyncio, sys; from tests.jobs.test_database_tls import ping; asyncio.run(ping(sys.argv[1]))"
    async with tls_in_front(database_url, certificates.server_context()) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            f"{url}?sslrootcert=system",
            env={**os.environ, "SSL_CERT_FILE": str(certificates.ca_file)},
        )
        assert await process.wait() == 0


@pytest.mark.usefixtures("home")
async def test_tls_of_a_pooler(database_url: str, certificates: Certificates, tmp_path: Path) -> None:
    server = certificates.authority.issue_cert("127.0.0.1")
    folder = tmp_path / "pgbouncer"
    folder.mkdir()
    server.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    files = {"client_tls_cert_file": "server.pem", "client_tls_key_file": "server.pem"}
    with pgbouncer(folder, database_url, client_tls_sslmode="require", **files) as url:
        await ping(f"{url}?sslmode=verify-full&sslrootcert={certificates.ca_file}")
        await refused(f"{url}?sslmode=disable", "SSL required")
