"""Files that show whether a scanner works. No file of this project contains one of them whole."""

from __future__ import annotations

import os
from functools import cache
from io import BytesIO
from zipfile import ZipFile

_LAYERS = 300
"""More than any `MaxRecursion` that an operator may have set; clamd's default is 17."""


def eicar() -> bytes:
    """Return the EICAR test file (https://www.eicar.org), which every scanner has to report, and which is harmless.

    It is assembled here, since scanners would report a source or a compiled file that contains it.
    """
    return b"".join([rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$", b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-FILE!$H+H*"])


@cache
def nested_archive() -> bytes:
    """Return 30 kB of ZIP files in each other, more than clamd unpacks: exceeding a limit that costs little to send.

    The innermost file is random, because clamd remembers the content that it has found to be clean.
    """
    content = os.urandom(16)
    for _ in range(_LAYERS):
        archive = BytesIO()
        with ZipFile(archive, "w") as writer:
            writer.writestr("a", content)
        content = archive.getvalue()
    return content
