"""`QUEUE=postgres`: wake-ups and live events by PostgreSQL's NOTIFY. All of it may be lost at any time."""
