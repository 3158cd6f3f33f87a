"""What has become of the outputs of a processing job so far, as the attempt knows it and reports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jobs.engine.jobs import UNKNOWN_FILE, Failure, FileRecord
from jobs.engine.worker.reporter import Reporter
from jobs.errors import ErrorClass, ProcessingFailed
from jobs.files.catalogue import StoredFile
from jobs.processing.decoders.protocol import BrokenEvent
from jobs.processing.processing import Derivative, Processing, output_file_name
from jobs.processing.recipes import OnError, Output, Probe, first_outputs, outputs


class Results:
    """The outputs of one attempt. Until one is made, its record has the size of the source, of which it counts bytes."""

    def __init__(
        self,
        job: Processing,
        source: StoredFile,
        records: Sequence[FileRecord],
        made: Mapping[str, Derivative],
        reporter: Reporter,
    ) -> None:
        """`made`: the files that earlier attempts have added, by the names of the outputs."""
        self.job = job
        self.source = source
        self.made = dict(made)
        self.planned: list[Output] = []
        self.settled: set[str] = set()
        """Names of the outputs that are made, omitted or failed."""
        self.reserved_ids: list[int] = []
        """Ids for the files of the next outputs."""
        self._size = max(source.size, 1)
        self._records = {record.index: record for record in records}
        self._reporter = reporter
        self._places: dict[str, int] = {}
        self._shares: dict[str, float] = {}
        self._failures: dict[str, str] = {}
        self._is_planned = False
        if job.probe is not None:
            self.plan(job.probe)

    @property
    def are_complete(self) -> bool:
        """Whether all outputs are known and settled."""
        return self._is_planned and self.settled >= {output.name for output in self.planned}

    def plan(self, probe: Probe) -> None:
        """All outputs are known, by what was found in the header of the file."""
        if not self._is_planned:
            self._report(outputs(self.job.type, self.job.wishes, probe))

    def _report(self, planned: Sequence[Output]) -> None:
        self._is_planned = True
        self.planned = list(planned)
        self._places = {output.name: index for index, output in enumerate(planned)}
        self._reporter.resolved([self._record(index, output) for index, output in enumerate(planned)])
        for name, one in self.made.items():
            if name in self._places:
                self.add(one)

    def _record(self, index: int, output: Output) -> FileRecord:
        name = output_file_name(self.source.name, output)
        record = self._records.get(index) or FileRecord(index=index, file_id=UNKNOWN_FILE)
        return replace(record, name=name, size=self._size)

    def unsettled(self, name: str) -> Output:
        """The output of this name, which is still to be made. Raises `BrokenEvent` if there is none."""
        if name not in self._places or name in self.settled:
            raise BrokenEvent("An output was reported that is not planned.")
        return self.planned[self._places[name]]

    def progress(self, name: str, share: float) -> None:
        """A share of an output, from 0 to 1, is made. Ignored unless it is more than before."""
        if name not in self._places or name in self.settled:
            return
        amount = int(share * self._size) - int(self._shares.get(name, 0) * self._size)
        if amount > 0:
            self._shares[name] = share
            self._reporter.read(self._places[name], amount)

    def add(self, made: Derivative) -> None:
        """An output is in the catalogue."""
        self.progress(made.output, 1.0)
        self.made[made.output] = made
        self.settled.add(made.output)
        self._reporter.done(self._places[made.output], made.file.crc32, file_id=made.file.id, size=made.file.size)

    def omit(self, name: str) -> None:
        """There is nothing to make an output of."""
        self.settled.add(name)
        self._reporter.omitted(self._places[name])

    def fail(self, name: str, reason: str) -> None:
        """An output cannot be made."""
        self.settled.add(name)
        self._failures[name] = reason
        self._reporter.failed(self._places[name], Failure(error_class=ErrorClass.VALIDATION, message=reason))

    def reject(self, reason: str) -> None:
        """Nothing more can be made of the file."""
        if not self._is_planned:
            self._report(first_outputs(self.job.type, self.job.wishes))
        for output in self.planned:
            if output.name not in self.settled:
                self.fail(output.name, reason)

    def require_accepted(self) -> None:
        """Raises `ProcessingFailed` if an output could not be made, and the uploader wants all or an error."""
        if self._failures and self.job.wishes.on_error is OnError.FAIL:
            name, reason = next(iter(self._failures.items()))
            raise ProcessingFailed(f"Not everything could be made of {self.job.name}. {name}: {reason}")
