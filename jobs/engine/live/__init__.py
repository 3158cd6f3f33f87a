"""Redis: live events, and wake-ups through arq. All of it may be lost at any time."""
