"""What runs as a process of its own: gateway, intake and worker as their commands run them, and the bare server.

Each imports only what it needs, since the memory of the worker is measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from jobs.settings import Settings


def gateway(settings: Settings, log: Path) -> None:
    """Serves the API until SIGTERM."""
    from app.server import serve  # noqa: PLC0415 - see above

    _logged(serve, settings, log)


def intake(settings: Settings, log: Path) -> None:
    """Receives the bytes of uploads until SIGTERM."""
    from app.server import serve_intake  # noqa: PLC0415 - see above

    _logged(serve_intake, settings, log)


def worker(settings: Settings, log: Path) -> None:
    """Works until SIGTERM."""
    from jobs.worker_process import work  # noqa: PLC0415 - see above

    _logged(work, settings, log)


def bare(settings: Settings, document: bytes) -> None:
    """Serves what the gateway is compared with until SIGTERM."""
    from tests.bench.bare import serve  # noqa: PLC0415 - see above

    serve(settings, document)


def _logged(run: Callable[[Settings], None], settings: Settings, log: Path) -> None:
    from jobs.logs import configure_logs  # noqa: PLC0415 - see above

    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    configure_logs(settings)
    run(settings)
