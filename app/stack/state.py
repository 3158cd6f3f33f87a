"""The saved state of a stack: its ports and secrets; and the lock against a second stack in the same folder."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from app.stack.errors import StackError
from app.stack.ports import free_ports, is_free
from app.validation import problems_of
from jobs.settings import QueueName


def _secret() -> str:
    return secrets.token_hex(20)


def _key() -> str:
    return secrets.token_hex(32)


class State(BaseModel):
    """The content of `stack.json`. Without its secrets the data can't be read."""

    ports: dict[str, int] = Field(default_factory=dict)
    queue: QueueName = "redis"
    """`QUEUE` of the processes that use the stack. Valkey runs with `redis` only."""
    postgres_password: str = Field(default_factory=_secret)
    valkey_password: str = Field(default_factory=_secret)
    s3_access_key_id: str = Field(default_factory=_secret)
    s3_secret_access_key: str = Field(default_factory=_secret)
    s3_encryption_key: str = Field(default_factory=_key)
    """With which SeaweedFS encrypts the keys of its objects: 256 bits, in hex."""

    def with_free_ports(self, offsets: Mapping[str, int]) -> State:
        """Return a copy with a free port for each name, the saved one if that is free. For offsets see `free_ports`."""
        kept = {
            name: port
            for name, offset in offsets.items()
            if (port := self.ports.get(name)) and is_free(port) and is_free(port + offset)
        }
        missing = [name for name in offsets if name not in kept]
        found = free_ports([offsets[name] for name in missing], taken=kept.values())
        return self.model_copy(update={"ports": kept | dict(zip(missing, found, strict=True))})

    def save(self, file: Path) -> None:
        """Replace `file` atomically; only its owner may read it."""
        new = file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(self.model_dump_json(indent=2))
        new.replace(file)


def load(file: Path) -> State | None:
    """Return the state that was saved in `file`, None if it does not exist. Raises `StackError` when it is damaged."""
    try:
        return State.model_validate_json(file.read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StackError(f"cannot read {file}: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{field} {text}" for field, text in problems_of(error, "it", secret=True))
        raise StackError(_damaged(file, problems)) from error
    except UnicodeDecodeError as error:
        raise StackError(_damaged(file, "it is not UTF-8")) from error


def _damaged(file: Path, reason: str) -> str:
    return f"{file} is damaged ({reason}); without its secrets the data beside it can't be opened"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock on `file`, which the kernel releases however this process ends. Raises `StackError` if it is taken."""
    # Not inherited by the servers (PEP 446), so that one that outlives this process does not hold the lock.
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"another stack is running in {file.parent}") from None
        yield
    finally:
        os.close(descriptor)
