"""The kinds of work, and the phases that a job of each goes through.

The engine reads nothing else about a kind here. How a kind is done stands in `jobs.work`.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a job does."""

    DOWNLOAD = "download"
    """Gathers files into a bundle, or links one file (`jobs.bundles`)."""
    UPLOAD = "upload"
    """Receives a file, checks it, and adds it to the catalogue (`jobs.uploads`)."""
    IMAGE = "image"
    """Makes files of an uploaded image: a thumbnail, a version for the web."""
    PDF = "pdf"
    """Makes files of an uploaded PDF: pages as images, its text."""
    VIDEO = "video"
    """Makes files of an uploaded video: a poster, a version for the web."""


class Phase(StrEnum):
    """The step of a job that a person is shown."""

    RECEIVING = "receiving"
    """Its bytes are still arriving. Uploads only."""
    QUEUED = "queued"
    """It waits for a worker."""
    RESOLVING = "resolving"
    """Its files are looked up in the catalogue and the store."""
    FETCHING = "fetching"
    """Its files that are URLs are fetched. Only downloads with URLs are in this phase."""
    PACKING = "packing"
    """Its bundle is built."""
    ASSEMBLING = "assembling"
    """The parts of an upload are made one object."""
    CHECKING = "checking"
    """The content of an upload is checked."""
    PROCESSING = "processing"
    """Files are made of one that was uploaded."""
    READY = "ready"
    """Its result can be fetched, or could be until it expired."""


FIRST_PHASE = {
    Kind.DOWNLOAD: Phase.RESOLVING,
    Kind.UPLOAD: Phase.ASSEMBLING,
    Kind.IMAGE: Phase.PROCESSING,
    Kind.PDF: Phase.PROCESSING,
    Kind.VIDEO: Phase.PROCESSING,
}
"""The phase in which an attempt of each kind starts."""
