"""Live events through Redis: published, kept, subscribed to. All of it may be lost at any time."""
