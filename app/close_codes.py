"""Why a connection of followers ends, and when to come back: the one table for servers and clients (docs/protocol.md)."""

from __future__ import annotations

from enum import Enum
from random import Random

_RANDOM = Random()  # noqa: S311 - no secret: it spreads moments


class Closing(Enum):
    """Why a connection ends: WebSocket code, reason, and the seconds (from, to) after which to come back, if at all."""

    DONE = (1000, "The job has ended.", None)
    RESTART = (1012, "The server restarts. Come back.", (0.5, 5.0))
    INTERNAL = (1011, "Something broke here. Come back later.", (5.0, 15.0))
    BAD_REQUEST = (4400, "The request is not valid.", None)
    FORBIDDEN = (4403, "Pages of this origin are not allowed.", None)
    NOT_FOUND = (4404, "There is no such job.", None)
    BAD_SUBPROTOCOL = (4406, "Only the subprotocol haulage.v1 is spoken here.", None)
    SLOW = (4408, "You took nothing for 30 s. Come back with the seq that you have.", (1.0, 5.0))
    WRONG_HOST = (4421, "This host name is not served here.", None)
    TOO_MANY = (4429, "Too many connections. Come back later.", (15.0, 45.0))
    UNAVAILABLE = (4503, "The database is away. Come back later.", (2.0, 10.0))

    def __init__(self, code: int, reason: str, retry: tuple[float, float] | None) -> None:
        self.code = code
        self.reason = reason
        self.retry = retry

    def pause(self) -> float:
        """Seconds after which this client is to come back: jittered, so that not all come at once."""
        return _RANDOM.uniform(*(self.retry or (1.0, 5.0)))
