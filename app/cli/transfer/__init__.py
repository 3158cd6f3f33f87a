"""A download job from its start to the saved file."""
