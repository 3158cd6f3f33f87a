"""What is true of a file of the catalogue besides its content."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a file is to the upload that it comes from."""

    ORIGINAL = "original"
    """What was uploaded, or added by an operator."""
    THUMBNAIL = "thumbnail"
    """A small picture of an image, or of the first page of a PDF."""
    WEB = "web"
    """An image in a size and format for web pages."""
    PAGE = "page"
    """A picture of a page of a PDF."""
    TEXT = "text"
    """The text of a PDF."""
    POSTER = "poster"
    """A frame of a video."""
    VIDEO = "video"
    """A video in a size and format for web pages."""
    PLAYLIST = "playlist"
    """An HLS playlist of a video."""


class ScanState(StrEnum):
    """The verdict of the virus scan."""

    NONE = "none"
    """It was not scanned."""
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"


class GoneReason(StrEnum):
    """Why a file is gone from the catalogue."""

    DELETED = "deleted"
    """A person deleted it."""
    RETENTION = "retention"
    """It was uploaded `RAW_RETENTION` seconds ago."""
    REPLACED = "replaced"
    """It was made of another file, and has been made again since."""
    LOST = "lost"
    """Its object was not in the store after a restore."""

    @property
    def participle(self) -> str:
        """What has happened to the file, as in "it was deleted on …"."""
        return "removed by retention" if self is GoneReason.RETENTION else self.value
