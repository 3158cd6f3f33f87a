"""The types of the fixtures of this folder."""

from __future__ import annotations

import http.client
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jobs.settings import Settings


@dataclass(frozen=True)
class Store:
    """A running S3 store."""

    endpoint: str
    access_key: str
    secret_key: str


MakeSettings = Callable[..., Settings]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


Fetch = Callable[..., Awaitable[Answer]]
