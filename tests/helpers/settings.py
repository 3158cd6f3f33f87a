"""Settings with changes, and settings of an installation one of whose dependencies is unavailable."""

from __future__ import annotations

from typing import Any

from jobs.settings import Settings

CLOSED = "127.0.0.1:9"
"""The discard port, on which nothing listens: the address of an unavailable dependency."""
UNAVAILABLE: dict[str, dict[str, Any]] = {
    "database": {"database_url": f"postgresql://haulage:hidden@{CLOSED}/haulage"},
    "redis": {"redis_url": f"redis://{CLOSED}/0"},
    "storage": {"s3_endpoint": f"http://{CLOSED}"},
}
"""Changes that make one dependency unavailable."""


def with_changes(settings: Settings, **changes: Any) -> Settings:
    """A copy of the settings with these changes, which are validated."""
    return Settings(**settings.model_dump() | changes)


WAKE_UPS_ONLY = {"wake_grace": 600, "sweep_interval": 600}
"""Settings of a worker that hears wake-ups only, as long as Redis is there."""
