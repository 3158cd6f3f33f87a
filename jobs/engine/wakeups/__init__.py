"""Wake-ups for workers through arq.

Nothing outside this folder touches arq (docs/decisions/0001-arq-only-delivers-wake-ups.md).
"""
