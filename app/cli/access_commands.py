"""`haulage keys` and `haulage users`: access control, straight in the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from app.access.credentials import KEY_PREFIX, digest_of, new_id, new_secret
from app.access.plans import Plans
from app.access.principals import Role, Scope
from app.cli.environment import load_settings, resolve_server
from app.cli.errors import print_error
from app.cli.output import print_json, print_message, print_table, time_text
from app.cli.service_runner import run_with_services
from app.exit_codes import ExitCode
from jobs.access import keys, sessions, users
from jobs.access.audit import Action, record
from jobs.engine.jobs import Status
from jobs.errors import IllegalTransition, InvalidRequest, JobNotFound, UserNotFound
from jobs.owners import MAX_USER_NAME, RESERVED, TERMINAL, is_user_name
from jobs.plans import PREMIUM_PLAN
from jobs.services import Services

LINK_LIFETIME = 15 * 60.0
"""Seconds for which a sign-in link is valid."""


def create_key(
    name: str, owner: str, scopes: str, days: int, plan: str | None, data_dir: Path | None, *, as_json: bool
) -> None:
    """Print a new key. An owner who is no user yet is added with role `user`. Raises `InvalidRequest`."""
    chosen, secret, key_id = _scopes(scopes), KEY_PREFIX + new_secret(), new_id()
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    check_name(owner)

    async def work(services: Services) -> None:
        if Scope.ACT_AS in chosen:
            await _check_admin(services, owner)
        await users.save_user(services.database, owner)
        added = await keys.add_key(
            services.database,
            digest_of(secret),
            key_id=key_id,
            owner=owner,
            name=name,
            scopes=chosen,
            expires_at=expires_at,
            plan=plan,
        )
        if added is None:
            raise InvalidRequest(f"{owner} has {keys.MAX_KEYS} valid keys. Revoke those that nothing uses.")
        await _announce(services)
        await record_action(services, "createKey", key_id)

    settings = load_settings(data_dir)
    Plans(settings).check(plan)
    run_with_services(settings, work)
    if as_json:
        return print_json({"id": key_id, "key": secret, "owner": owner, "scopes": chosen})
    print(secret)
    url = settings.public_url or resolve_server(None, data_dir)
    print_message(
        f"This is the key {key_id} of {owner}. It is not shown again. Use it as HAULAGE_TOKEN, or with curl:\n"
        f"  curl -H 'Authorization: Bearer {secret}' {url}/v1/download/jobs"
    )
    return None


def list_keys(data_dir: Path | None, *, as_json: bool) -> None:
    """Print all keys."""
    found = run_with_services(load_settings(data_dir), lambda services: keys.list_keys(services.database))
    if as_json:
        return print_json([_key_json(key) for key in found])
    rows = [
        (
            key.id,
            key.owner,
            key.name,
            " ".join(sorted(key.scopes)),
            key.plan or "",
            f"revoked {time_text(key.revoked_at)}" if key.revoked_at else time_text(key.expires_at) or "never",
            time_text(key.used_at),
        )
        for key in found
    ]
    return print_table(("KEY", "OWNER", "NAME", "SCOPES", "PLAN", "EXPIRES", "LAST USED"), rows)


def _key_json(key: keys.Key) -> dict[str, object]:
    times = {
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
        "usedAt": key.used_at,
    }
    return {
        "id": key.id,
        "owner": key.owner,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "plan": key.plan,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def revoke_keys(key_ids: Sequence[str], data_dir: Path | None) -> None:
    """Revoke API keys. Raises `typer.Exit` if one of them does not exist, or was revoked before."""
    revoke_each(
        key_ids, lambda services, key_id: keys.revoke_key(services.database, key_id), "revokeKey", "key {}", data_dir
    )


def revoke_each(
    key_ids: Sequence[str],
    revoke: Callable[[Services, str], Awaitable[bool]],
    action: str,
    name: str,
    data_dir: Path | None,
) -> None:
    """Revoke keys of one kind, and record the action. `name` is that of a key in messages, with `{}` for its id.

    `revoke` returns False for a key that does not exist, or was revoked before; then this raises `typer.Exit` at the end.
    """

    async def work(services: Services) -> list[str]:
        unknown = [key_id for key_id in key_ids if not await revoke(services, key_id)]
        await _announce(services)
        for key_id in key_ids:
            if key_id not in unknown:
                await record_action(services, action, key_id)
        return unknown

    unknown = run_with_services(load_settings(data_dir), work)
    for key_id in key_ids:
        if key_id in unknown:
            print_error(f"There is no valid {name.format(key_id)}.")
        else:
            print(f"Key {key_id} was revoked.")
    if unknown:
        raise typer.Exit(ExitCode.NOT_FOUND)


async def _announce(services: Services) -> None:
    """Makes gateways read what was revoked at once. If the announcement is lost they do within two seconds."""
    await services.feed.announce()


async def record_action(services: Services, action: str, subject: str) -> None:
    """Records in the audit log what was done on the server: by whom, its operating system knows."""
    await record(services.database, Action(actor=TERMINAL, proof=TERMINAL, action=action, subject=subject))


def add_user(name: str, role: Role | None, groups: str | None, plan: str | None, data_dir: Path | None) -> None:
    """Add or change a user. Requests and streams have the new rights within three seconds. Raises `InvalidRequest`."""
    check_name(name)
    names = None if groups is None else _items(groups)

    async def work(services: Services) -> None:
        await users.save_user(services.database, name, role, names, plan)
        await _announce(services)
        await record_action(services, "saveUser", name)

    settings = load_settings(data_dir)
    Plans(settings).check(plan)
    run_with_services(settings, work)
    print(f"User {name} was saved.")


def list_users(data_dir: Path | None, *, as_json: bool) -> None:
    """Print all users."""
    found = run_with_services(load_settings(data_dir), lambda services: users.list_users(services.database))
    if as_json:
        return print_json(
            [{"name": one.name, "role": one.role, "groups": sorted(one.groups), "plan": one.plan} for one in found]
        )
    return print_table(
        ("USER", "ROLE", "GROUPS", "PLAN"),
        [(one.name, one.role, " ".join(sorted(one.groups)), one.plan or "") for one in found],
    )


def print_sign_in_link(name: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Print a one-time link for a user. Raises `UserNotFound`."""
    settings = load_settings(data_dir)
    url = settings.public_url or resolve_server(None, data_dir)
    link = run_with_services(settings, lambda services: new_sign_in_link(services, name, url))
    if as_json:
        return print_json({"user": name, "link": link})
    print(link)
    print_message(f"The link signs in {name}. It is valid once, for {LINK_LIFETIME / 60:.0f} minutes.")
    return None


async def new_sign_in_link(services: Services, name: str, url: str) -> str:
    """Return a new link. Its secret is in the fragment, which browsers do not send. Raises `UserNotFound`."""
    if name not in {user.name for user in await users.list_users(services.database)}:
        raise UserNotFound(f"There is no user {name!r}. Add one with `haulage users add {name}`.")
    secret = new_secret()
    await sessions.add_sign_in_link(services.database, digest_of(secret), name, LINK_LIFETIME)
    await record_action(services, "createSignInLink", name)
    return f"{url}/sign-in#{secret}"


async def ensure_admin(services: Services, name: str) -> str:
    """Return the name of an admin, the first one by name. Without any, the user `name` becomes one."""
    admins = [user.name for user in await users.list_users(services.database) if user.role == Role.ADMIN]
    if admins:
        return admins[0]
    await users.save_user(services.database, name, Role.ADMIN, plan=PREMIUM_PLAN)
    await _announce(services)
    await record_action(services, "saveUser", name)
    return name


def adopt(source: str, target: str, data_dir: Path | None) -> None:
    """Give all jobs and files of an owner to a user."""

    async def work(services: Services) -> tuple[int, int]:
        counts = await users.adopt(services.database, source, target)
        await _announce(services)
        await record_action(services, "adopt", f"{source} → {target}")
        return counts

    jobs, files = run_with_services(load_settings(data_dir), work)
    print(f"{jobs} jobs and {files} files of {source} now belong to {target}.")


def purge_user(name: str, data_dir: Path | None) -> None:
    """Remove a user, with its jobs and results: running jobs are cancelled, and bundles deleted by the workers.

    Its access ends first, so that it starts no more jobs. Raises `InvalidRequest`, `UserNotFound`.
    """
    users.check_purgeable(name)

    async def work(services: Services) -> tuple[int, int]:
        await users.revoke_user(services.database, name)
        await _announce(services)
        await record_action(services, "purge", name)
        for job_id, status in await users.jobs_of(services.database, name):
            end = services.lifecycle.expire if status == Status.COMPLETED else services.lifecycle.cancel
            with suppress(IllegalTransition, JobNotFound):  # it has ended otherwise
                await end(job_id)
        counts = await users.purge(services.database, name)
        await _announce(services)
        return counts

    jobs, files = run_with_services(load_settings(data_dir), work)
    print(f"User {name} was removed, with {jobs} jobs. {files} files are private now.")


def _scopes(text: str) -> list[str]:
    """The scopes, with all of a group for its name. Raises `InvalidRequest`."""
    chosen: set[str] = set()
    for item in _items(text):
        found = {str(scope) for scope in Scope if item in {str(scope), scope.partition(":")[0]}}
        if not found:
            raise InvalidRequest(f"{item!r} is no scope. Choose among {', '.join(Scope)}.")
        chosen |= found
    return sorted(chosen)


async def _check_admin(services: Services, name: str) -> None:
    """Raises `InvalidRequest` unless the user is an admin."""
    roles = {user.name: user.role for user in await users.list_users(services.database)}
    if roles.get(name) != Role.ADMIN:
        raise InvalidRequest(
            f"Only keys of admins have the scope {Scope.ACT_AS}. `haulage users add {name} --role admin` makes {name} one."
        )


def _items(text: str) -> list[str]:
    return [item for item in text.replace(",", " ").split() if item]


def check_name(name: str) -> None:
    """Raises `InvalidRequest` for what can be no name of a user."""
    if name in RESERVED:
        raise InvalidRequest(f"{name!r} is not the name of a user: it has a meaning of its own.")
    if not is_user_name(name):
        raise InvalidRequest(
            f"{name[:50]!r} is no name of a user: 1 to {MAX_USER_NAME} printable characters without |."
        )
