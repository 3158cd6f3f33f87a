"""Why a connection of followers is closed, and when to reconnect: one table for servers and clients (docs/protocol.md)."""

from __future__ import annotations

from enum import Enum
from random import Random

_RANDOM = Random()  # noqa: S311 - jitter, nothing secret


class CloseCode(Enum):
    """WebSocket close code, reason, and the range of seconds after which to reconnect; None if that would not help."""

    DONE = (1000, "The job has ended.", None)
    INTERNAL = (1011, "Internal server error. Reconnect later.", (5.0, 15.0))
    RESTART = (1012, "The server is restarting or nearly full, or your rights have changed. Reconnect.", (0.5, 5.0))
    BAD_REQUEST = (4400, "The request is not valid.", None)
    SIGN_IN = (4401, "Not signed in, or access was revoked or has expired. Sign in again, then reconnect.", None)
    FORBIDDEN = (4403, "Pages of this origin may not connect. Add it to CORS_ORIGINS.", None)
    NOT_FOUND = (4404, "There is no such job.", None)
    BAD_SUBPROTOCOL = (4406, "Unsupported subprotocol: only haulage.v1 is supported.", None)
    SLOW = (4408, "Connection too slow: no data was read for 30 s. Reconnect with your last seq.", (1.0, 5.0))
    WRONG_HOST = (4421, "This host name is not served here. Add it to ALLOWED_HOSTS.", None)
    TOO_MANY = (4429, "Too many open connections. Reconnect later.", (15.0, 45.0))
    UNAVAILABLE = (4503, "The database is unavailable. Reconnect later.", (2.0, 10.0))

    def __init__(self, code: int, reason: str, retry: tuple[float, float] | None) -> None:
        self.code = code
        self.reason = reason
        self.retry = retry

    def retry_delay(self) -> float:
        """Seconds after which this client is to reconnect: jittered, so that not all reconnect at once."""
        return _RANDOM.uniform(*(self.retry or (1.0, 5.0)))
