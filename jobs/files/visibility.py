"""Who may read which files. Decided here alone, for values; `jobs.files.catalogue` has the same rule in SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Visibility(StrEnum):
    """Who may read a file of the catalogue, besides its owner, operators and admins."""

    PUBLIC = "public"
    """Every user; with `ANONYMOUS=read`, whoever calls."""
    SHARED = "shared"
    """The users of the groups with which it is shared."""
    PRIVATE = "private"
    """Nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReader:
    """As whom files are read. A file that the reader may not read does not exist for it."""

    owner: str
    groups: frozenset[str] = frozenset()
    everything: bool = False
    """May read every file, whoever owns it."""
    template_files: bool = False
    """May read files that are not in the catalogue (`S3_KEY_TEMPLATE`)."""

    def may_read(self, owner: str, visibility: Visibility, groups: Collection[str]) -> bool:
        """Whether the reader may read a file of the catalogue with this owner and visibility, shared with these groups."""
        if self.everything or owner == self.owner or visibility is Visibility.PUBLIC:
            return True
        return visibility is Visibility.SHARED and not self.groups.isdisjoint(groups)
