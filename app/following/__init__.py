"""Following jobs: one function, and four ways into it: polling, long-poll, server-sent events, WebSocket.

Messages come in from Redis, once for all followers of the process (`jobs.engine.live.subscriptions`), become a `Frame`,
are judged by each `Topic` for each of its followers, and leave through the followers' `Outlet`s. What is missed anywhere
is read from PostgreSQL.
"""

from app.following.hub import COMPARE, Following

__all__ = ["COMPARE", "Following"]
