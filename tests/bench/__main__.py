"""Measures the main job and prints the table of docs/benchmarks.md: `make bench`, or `python -m tests.bench --help`.

Nothing else is imported here: each process that a bench starts imports this module, and its memory is measured.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from tests.bench.runs import main

    sys.exit(main())
