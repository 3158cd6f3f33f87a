"""`haulage apps`: the keys of apps that sign grants, straight in the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.access.credentials import new_id
from app.cli.access_commands import record_action, revoke_each
from app.cli.environment import load_settings
from app.cli.output import print_json, print_message, print_table, time_text
from app.cli.service_runner import run_with_services
from jobs.access import grants
from jobs.errors import InvalidRequest
from jobs.services import Services

if TYPE_CHECKING:
    from joserfc.jwk import DictKey

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def add_app_key(name: str, file: Path | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Register a key, and print its private half if it is new. Raises `InvalidRequest`."""
    from joserfc.jwk import ECKey

    from app.access.key_sets import signing_keys

    if _NAME.fullmatch(name) is None:
        raise InvalidRequest(
            f"{name[:70]!r} is no name of an app: 1 to 64 lower-case letters, digits, dots and hyphens."
        )
    settings, key_id, private = load_settings(data_dir), new_id(), None
    if name == settings.jwt_secret_issuer:
        raise InvalidRequest(f"{name!r} is JWT_SECRET_ISSUER already. Choose another name.")
    if file is None:
        key = ECKey.generate_key("P-256")
        private, public = key.as_pem(private=True).decode(), key.as_dict(private=False)
    else:
        public = _public_key(file)
    accepted = signing_keys({"keys": [public]})
    if not accepted:
        raise InvalidRequest("Grants need a key of RSA (2048 bits or more), P-256, P-384, P-521 or Ed25519.")

    async def work(services: Services) -> None:
        await grants.add_key(services.database, key_id, name, dict(public))
        await record_action(services, "addAppKey", key_id)

    run_with_services(settings, work)
    if as_json:
        return print_json({"id": key_id, "app": name, "privateKey": private})
    if private is not None:
        print(private.strip())
    algorithm = "ES256" if file is None else min(accepted[0].algorithms)
    kept = "It is not shown again. " if private else ""
    print_message(
        f"This is the key {key_id} of {name}. {kept}The app signs grants with it: JWTs with alg {algorithm}, kid {key_id},"
        f" iss {name}, aud {settings.jwt_audience[0]}."
    )
    return None


def _public_key(file: Path) -> DictKey:
    """The public key in a PEM file as a JWK, also of a private key there. Raises `InvalidRequest`."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    try:
        text = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} could not be read: {error.strerror}.") from None
    for kind in (RSAKey, ECKey, OKPKey):
        with suppress(JoseError, ValueError, TypeError):
            return kind.import_key(text).as_dict(private=False)
    raise InvalidRequest(f"{file} has no key in PEM format that is known here.")


def list_app_keys(data_dir: Path | None, *, as_json: bool) -> None:
    """Print the keys of all apps."""
    found = run_with_services(load_settings(data_dir), lambda services: grants.list_keys(services.database))
    if as_json:
        return print_json(
            [
                {
                    "id": key.id,
                    "app": key.issuer,
                    "createdAt": key.created_at.isoformat(),
                    "revokedAt": key.revoked_at and key.revoked_at.isoformat(),
                }
                for key in found
            ]
        )
    rows = [(key.id, key.issuer, time_text(key.created_at), time_text(key.revoked_at)) for key in found]
    return print_table(("KEY", "APP", "CREATED", "REVOKED"), rows)


def revoke_app_keys(key_ids: Sequence[str], data_dir: Path | None) -> None:
    """Revoke keys. Raises `typer.Exit` if one of them does not exist, or was revoked before."""
    revoke_each(
        key_ids,
        lambda services, key_id: grants.revoke_key(services.database, key_id),
        "revokeAppKey",
        "key {} of an app",
        data_dir,
    )
