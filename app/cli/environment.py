"""Finds the servers that a command uses: in environment variables, or in a local stack that runs in a data folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.stack.errors import StackError
from app.validation import REQUIRED, problems_of
from jobs.errors import InvalidRequest
from jobs.settings import QueueName, Settings

DEFAULT_DATA_DIR = ".haulage"
DEFAULT_SERVER = "http://127.0.0.1:8080"
_URL_FILE = "server.url"


def resolve_data_dir(given: Path | None) -> Path:
    """Return the folder that was given, or else that of the environment."""
    return given or Path(os.environ.get("HAULAGE_DATA_DIR") or DEFAULT_DATA_DIR)


def load_settings(given: Path | None) -> Settings:
    """Return the settings of the stack in the folder `given`; else of the environment; else of the default folder.

    Raises `InvalidRequest`, which names every variable that is missing or invalid, and `StackError` when no stack runs in
    the folder `given`.
    """
    if given is not None:
        return settings_from(_stack_environment(given))
    if os.environ.get("DATABASE_URL"):
        return settings_from({})
    try:
        environment = _stack_environment(resolve_data_dir(None))
    except StackError as error:
        return settings_from({}, hint=str(error))
    return settings_from(environment)


def _stack_environment(data_dir: Path) -> dict[str, str]:
    from app.stack.stack import read_environment  # needs the extra `stack`

    return read_environment(data_dir)


def settings_from(environment: dict[str, str], hint: str = "") -> Settings:
    """Return settings from `environment`, and for the rest from this process's environment.

    Raises `InvalidRequest` with one message for all variables, which ends with `hint`. It contains no value of a variable
    that may have a secret in it: only those that must be numbers, paths of files or one of a few words are repeated.
    """
    try:
        return Settings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
    except ValidationError as error:
        found = [(field.upper(), text) for field, text in problems_of(error, "")]
        missing = [name for name, text in found if text == REQUIRED]
        problems = [": ".join(filter(None, problem)) for problem in found if problem[1] != REQUIRED]
        if missing:
            problems.insert(0, f"these environment variables are missing: {', '.join(missing)}")
        if hint:
            problems.append(hint)
        raise InvalidRequest("Settings: " + "; ".join(problems)) from error


def chosen_queue() -> QueueName:
    """Return `QUEUE` of this process's environment, for a stack that is to be started. Raises `InvalidRequest`."""
    try:
        return TypeAdapter[QueueName](QueueName).validate_python((os.environ.get("QUEUE") or "redis").strip().lower())
    except ValidationError:
        raise InvalidRequest("Settings: QUEUE must be redis or postgres.") from None


def resolve_server(server: str | None, given: Path | None) -> str:
    """Return the server's URL: the one given, else that of the stack in the folder, else the default.

    Raises `StackError` when no stack runs in the folder `given`.
    """
    if server is not None:
        return server
    if given is not None:
        _stack_environment(given)
    return read_server_url(resolve_data_dir(given)) or DEFAULT_SERVER


def read_token() -> str | None:
    """Return the API key or token of the environment, which requests to the server carry.

    Raises `InvalidRequest` for what no header can carry.
    """
    token = os.environ.get("HAULAGE_TOKEN", "").strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise InvalidRequest(
            "HAULAGE_TOKEN is no key or token: it has spaces, line breaks, or other than ASCII characters."
        )
    return token or None


def write_server_url(data_dir: Path, url: str) -> None:
    """Record the URL of the stack's gateway for `read_server_url`."""
    (data_dir / _URL_FILE).write_text(url)


def remove_server_url(data_dir: Path) -> None:
    """Remove the recorded URL, if there is one."""
    (data_dir / _URL_FILE).unlink(missing_ok=True)


def read_server_url(data_dir: Path) -> str | None:
    """Return the URL of the gateway of the stack that runs in the folder; None if none is running."""
    try:
        url = (data_dir / _URL_FILE).read_text().strip()
        _stack_environment(data_dir)
    except (OSError, StackError):
        return None
    return url
