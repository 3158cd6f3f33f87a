"""Whether this machine can have a sandbox at all: asked of the kernel, and not of the code that is tested."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import pytest

_NEEDS = {
    # user, processes and network of its own
    "bubblewrap": "assert libc.unshare(0x10000000 | 0x20000000 | 0x40000000) == 0",
    # version 3
    "landlock": "assert libc.syscall(444, None, ctypes.c_size_t(0), 1) >= 3",
}


@cache
def _possible(name: str) -> bool:
    program = f"import ctypes; libc = ctypes.CDLL(None); {_NEEDS[name]}"
    return subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL, check=False).returncode == 0


def skip_without(name: str) -> None:
    """Skip the test if the kernel has not what the sandbox needs, or refuses it to this user."""
    if name in _NEEDS and not _possible(name):
        pytest.skip(f"the kernel has not what {name} needs, or refuses it to this user")
