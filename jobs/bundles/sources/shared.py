"""What all fetches of one worker use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from jobs.bundles.commands import Downloads
from jobs.bundles.packing.reader import Reader
from jobs.egress.guard import Egress
from jobs.settings import Settings
from jobs.storage import Storage


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    egress: Egress
    storage: Storage
    downloads: Downloads
    reader: Reader
    settings: Settings
    random: Random = field(default_factory=Random)
    now: Callable[[], datetime] = _now
