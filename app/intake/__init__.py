"""The intake: receives the bytes of uploads by clients that send nothing to the store themselves."""
