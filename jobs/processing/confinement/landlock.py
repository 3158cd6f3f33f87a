"""Restricts a process to some files by Landlock (landlock(7)), with whatever the kernel's version of it can do."""

from __future__ import annotations

import errno
import os
import stat
import struct

from jobs.processing.confinement.kernel import system_call

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls, on every architecture."""
VERSION = 1
PATH_BENEATH = 1

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE_DIR = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_DIR = 1 << 7
MAKE_REG = 1 << 8
REFER = 1 << 13
TRUNCATE = 1 << 14

OLDEST_ABI = 3
"""Since Linux 6.2. Before, a file could be truncated that could not be written to."""
SIGNALS_ABI = 6
"""Since Linux 6.12, signals can be limited to one's own processes."""

READ = READ_FILE | READ_DIR
WORK = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER
"""What a child does in its folder. Links, devices, pipes and sockets are not among it."""
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
"""The rights that a file can have, and not only a folder."""


def abi() -> int:
    """Return the version of the kernel's Landlock. Raises `OSError` if it has none, or one that is too old."""
    try:
        version = system_call(CREATE_RULESET, None, 0, VERSION)
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EOPNOTSUPP}:
            raise OSError("this kernel has no Landlock, or it is switched off") from None
        raise
    if version < OLDEST_ABI:
        raise OSError(f"the Landlock of this kernel is too old: version {version}, and {OLDEST_ABI} is needed")
    return version


def restrict_self(rights: dict[str, int]) -> None:
    """Leave this process, and all that it starts, no more than these rights, for each path and all that is below it.

    No TCP, and, where the kernel can do that, no signals and no abstract sockets of others. Needs `no_new_privs`. Raises
    `OSError`, also if a path does not exist.
    """
    version = abi()
    files = (1 << (16 if version >= 5 else 15)) - 1  # noqa: PLR2004 - since 5, requests to devices
    tcp = 0b11 if version >= 4 else 0  # noqa: PLR2004 - listen, connect
    scopes = 0b11 if version >= SIGNALS_ABI else 0  # abstract sockets, signals
    ruleset = system_call(CREATE_RULESET, struct.pack("=QQQ", files, tcp, scopes), 24, 0)
    for path, allowed in rights.items():
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        own = allowed if stat.S_ISDIR(os.fstat(opened).st_mode) else allowed & _OF_FILES
        system_call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", own & files, opened), 0)
        os.close(opened)
    system_call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
