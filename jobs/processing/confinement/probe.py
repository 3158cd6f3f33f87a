"""A child that finds out whether it is confined: it tries to read a file that it must not, and to connect.

Its arguments are the file, and the port of a listener at 127.0.0.1. It writes `confined`, or what it could do.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path


def main(secret: Path, port: int) -> str:
    try:
        secret.read_bytes()
    except OSError:
        pass
    else:
        return "A file outside the folder of the child could be read."
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return "confined"
    return "The child could connect to a server."


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1]), int(sys.argv[2])))
