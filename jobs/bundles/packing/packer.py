"""Packs bundles for all jobs of a worker process."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.bundles.format.checkpoints import DonePart, MultipartUpload
from jobs.bundles.format.deflated_plan import DeflatedPlan
from jobs.bundles.format.stored_plan import StoredPlan
from jobs.bundles.packing.callbacks import PackedBundle, PackingCallbacks
from jobs.bundles.packing.deflated_packer import CompressionMemory, DeflatedPacker
from jobs.bundles.packing.part_uploader import PartUploader, SingleUploader, Uploader
from jobs.bundles.packing.reader import Reader
from jobs.bundles.packing.stored_packer import StoredPacker
from jobs.bundles.resolver import Source
from jobs.memory_budget import MemoryBudget
from jobs.storage import Storage

ZIP = "application/zip"


class Packer:
    """Packs bundles of both kinds within one memory budget."""

    def __init__(self, reader: Reader, storage: Storage, budget: MemoryBudget, jobs: int = 4) -> None:
        """`jobs` is the number of bundles that are packed at once."""
        self._reader = reader
        self._storage = storage
        self._budget = budget
        self._compression_memory = CompressionMemory(budget, jobs)

    async def pack(
        self,
        plan: StoredPlan | DeflatedPlan,
        sources: Sequence[Source],
        target: MultipartUpload | str,
        done: Sequence[DonePart],
        callbacks: PackingCallbacks,
    ) -> PackedBundle:
        """Packs the sources, which are the plan's entries, into an upload whose parts `done` exist already.

        A bundle of a single part may also be written by one PUT: `target` is then its key.
        Raises what `Reader.read` raises, `ChecksumMismatch`, `UploadUnusable`, and the other errors of the store. The
        upload then stays as it is, for the next attempt.
        """
        if isinstance(target, str):
            uploader: Uploader = SingleUploader(self._storage.objects, target, ZIP)
        else:
            uploader = PartUploader(self._storage.multipart, target)
        if isinstance(plan, DeflatedPlan):
            memory = self._compression_memory
            return await DeflatedPacker(plan, sources, uploader, done, callbacks, self._reader, memory).pack()
        return await StoredPacker(plan, sources, uploader, done, callbacks, self._reader, self._budget).pack()
