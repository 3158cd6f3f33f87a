"""Following jobs: polling, long-polling, server-sent events and WebSocket, on one hub.

Messages arrive once for all followers of the process (`jobs.engine.transport.Subscriptions`), become a `Frame`,
are compared by each `Topic` with the position of each of its followers, and leave through their `Connection`s. Whatever
was missed on the way is read from PostgreSQL.
"""
