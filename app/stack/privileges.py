"""How a program that refuses to run as root is run by root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError
from app.stack.processes import works

_NAMESPACE = ("unshare", "--map-user=65534", "--map-group=65534", "--")


@dataclass(frozen=True)
class Privileges:
    """Words before the command line, or the user to become; neither for an ordinary user."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def own(self, folder: Path) -> None:
        """Give `folder` and all in it to the user that the program's files belong to. Only root has to."""
        uid, gid = (os.getuid(), os.getgid()) if self.user is None else (self.user, self.group or -1)
        if os.geteuid() == 0 and folder.stat().st_uid != uid:
            # From the bottom up: when this is cut short, the folder itself still shows that it has to be done.
            for path in _bottom_up(folder):
                os.chown(path, uid, gid, follow_symlinks=False)

    def require_access(self, program: Path, folder: Path) -> None:
        """Raise `StackError` when the user can't run `program` or can't write into `folder`."""
        for test, path in (("-x", program), ("-w", folder)):
            argv = [*self.prefix, "test", test, str(path)]
            if subprocess.run(argv, check=False, user=self.user, group=self.group).returncode:  # noqa: S603 - our own
                raise StackError(
                    f"{path} is out of reach for the user that PostgreSQL runs as, because it refuses to run as root: "
                    "choose a folder that every user may enter, or run as an ordinary user"
                )


def not_root() -> Privileges:
    """Return how to run a program so that it does not see itself as root.

    For root that is a user namespace, in which the files are still root's for the kernel. Where a container refuses one,
    it is the user `nobody`. The namespace also gives a name to a user without one, which `initdb` asks for.
    """
    user = os.geteuid()
    if user != 0 and _has_name(user):
        return Privileges()
    if works(*_NAMESPACE, "true"):
        return Privileges(prefix=_NAMESPACE)
    if user != 0:
        return Privileges()
    nobody = pwd.getpwnam("nobody")
    return Privileges(user=nobody.pw_uid, group=nobody.pw_gid)


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _bottom_up(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, topdown=False):
        yield from (Path(parent, name) for name in (*files, *folders))
    yield folder
