"""Runs a program that refuses to run as root, when the user is root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError
from app.stack.processes import succeeds

_NAMESPACE = ("unshare", "--map-user=65534", "--map-group=65534", "--")


@dataclass(frozen=True)
class Privileges:
    """A prefix of the command line, or the user to run as; neither for an ordinary user."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def own(self, folder: Path) -> None:
        """Change the owner of `folder` and its contents to the user that the program runs as. Does nothing unless root."""
        uid, gid = (os.getuid(), os.getgid()) if self.user is None else (self.user, self.group or -1)
        if os.geteuid() == 0 and folder.stat().st_uid != uid:
            # Bottom up: if this is interrupted, the owner of the folder itself still shows that it is not done.
            for parent, folders, files in os.walk(folder, topdown=False):
                for name in (*files, *folders):
                    os.chown(Path(parent, name), uid, gid, follow_symlinks=False)
            os.chown(folder, uid, gid, follow_symlinks=False)

    def require_access(self, program: Path, folder: Path) -> None:
        """Raise `StackError` when the user can't run `program` or can't write into `folder`."""
        for test, path in (("-x", program), ("-w", folder)):
            argv = [*self.prefix, "test", test, str(path)]
            if subprocess.run(argv, check=False, user=self.user, group=self.group).returncode:  # noqa: S603 - our own
                raise StackError(
                    f"{path} is not accessible to the user that PostgreSQL runs as, because it refuses to run as root: "
                    "choose a folder that every user may enter, or run as an ordinary user"
                )


def non_root_privileges() -> Privileges:
    """Return how to run a program so that it does not see itself as root.

    Root uses a user namespace, in which files still belong to root for the kernel; where a container forbids that, the user
    `nobody`. The namespace also gives a name to a user without one, since `initdb` requires a name.
    """
    user = os.geteuid()
    if user != 0 and _has_name(user):
        return Privileges()
    if succeeds(*_NAMESPACE, "true"):
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
