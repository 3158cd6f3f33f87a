"""Sends many files at once: a few threads share their parts, and create the uploads as they get to them.

Each thread takes some parts of one upload: it computes their CRC-32, has URLs signed, and sends them. The last one
completes the upload. Nothing here waits for the checks of the server: a folder is sent while its first files are checked.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from typing import Self
from uuid import UUID

from app.cli.client import ApiClient
from app.cli.errors import CommandFailed, Refused, ServerUnreachable, exit_code
from app.cli.local_files import LocalFile, UnreadableFile
from app.cli.output import print_message
from app.cli.uploading.journal import Journal
from app.cli.uploading.parts import PartNotSent, PartSender, Stopped
from app.cli.uploading.progress import UploadProgressBar
from app.exit_codes import ExitCode
from app.schemas import NewUploadItem
from jobs.errors import HaulageError

THREADS = 4
"""Parts that are sent at once."""
MAX_TAKEN = 8
"""Parts that one thread has signed at once: at 600 kbit/s they are sent before their URLs expire."""
CREATED_AT_ONCE = 100
"""Uploads that one request creates. Others are created when a thread has nothing left to send."""
_RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each retry after a part that was not sent."""

_PATIENCE = 2.0
"""Seconds that an interrupted command waits for its threads."""


@dataclass(eq=False)
class Transfer:
    """An upload that is being sent. The lock of its `Uploader` guards it."""

    file: LocalFile
    job_id: UUID
    part_size: int
    left: deque[int]
    """Parts that no thread has taken."""
    busy: int = 0
    """Parts that threads have taken."""
    unreported: list[int] = field(default_factory=list)
    """Parts that the store has accepted, and the server does not know of."""
    is_known: bool = True
    """False for one of an earlier command, until its parts were compared with the file."""

    def span(self, number: int) -> tuple[int, int]:
        """Return where a part starts in the file, and its size."""
        start = (number - 1) * self.part_size
        return start, min(self.part_size, self.file.size - start)


@dataclass(frozen=True)
class Sent:
    """What has become of a file: `error` says why it was not sent."""

    file: LocalFile
    job_id: UUID | None
    error: HaulageError | None = None


class Uploader:
    """Use it as a context manager: its threads end with it."""

    def __init__(
        self,
        api: ApiClient,
        files: Sequence[LocalFile],
        resumed: Mapping[LocalFile, NewUploadItem],
        journal: Journal,
        bar: UploadProgressBar,
    ) -> None:
        """`resumed`: the uploads of files of an earlier command, which have the same name and size."""
        self._api = api
        self._journal = journal
        self._bar = bar
        self._stop = Event()
        self._sender = PartSender(self._stop, bar.add_bytes, THREADS)
        self._changed = Condition()
        self._waiting = deque(file for file in files if file not in resumed)
        self._transfers = deque(_transfer(file, item, is_known=False) for file, item in resumed.items())
        self._creating = False
        self._at_once = CREATED_AT_ONCE
        self._open = len(self._transfers)
        self._unfinished = len(files)
        self._sent: deque[Sent] = deque()
        self._fault: BaseException | None = None
        self._threads = [Thread(target=self._work, name=f"upload-{number}", daemon=True) for number in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads, and report the parts that the store has, so that a later command need not send them again."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        deadline = time.monotonic() + _PATIENCE
        for thread in self._threads:  # one may wait for a store that does not respond: it ends with the process
            thread.join(max(0.0, deadline - time.monotonic()))
        for transfer in self._transfers:
            if transfer.unreported:
                try:
                    self._api.send_parts(transfer.job_id, {}, transfer.unreported)
                except (Refused, ServerUnreachable):
                    return

    def finished(self) -> Iterator[Sent]:
        """Yield each file when it was sent, or can't be. Raises the fault that prevents all others."""
        for _ in range(self._unfinished):
            with self._changed:
                while not self._sent and self._fault is None:
                    self._changed.wait()
                if self._fault is not None:
                    raise self._fault
                found = self._sent.popleft()
            yield found

    # --- threads -----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                with self._changed:
                    taken = self._take()
                    creates = taken is None and self._claim_creation()
                    if taken is None and not creates:
                        if not self._unfinished_work():
                            return
                        self._changed.wait()
                        continue
                if creates:
                    self._create()
                elif taken is not None:
                    self._advance(*taken)
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            with self._changed:
                self._fault = self._fault or error
                self._stop.set()
                self._changed.notify_all()

    def _unfinished_work(self) -> bool:
        return bool(self._waiting or self._transfers or self._creating)

    def _take(self) -> tuple[Transfer, list[int]] | None:
        """Parts for one thread: fewer towards the end of a file, so that all threads have some."""
        for transfer in self._transfers:
            if not transfer.is_known and not transfer.busy:
                transfer.busy = 1
                return transfer, []
            if transfer.is_known and transfer.left:
                count = min(MAX_TAKEN, max(1, len(transfer.left) // (2 * THREADS)))
                numbers = [transfer.left.popleft() for _ in range(count)]
                transfer.busy += count
                return transfer, numbers
        return None

    def _claim_creation(self) -> bool:
        if self._creating or not self._waiting:
            return False
        self._creating = True
        return True

    def _create(self) -> None:
        """Create the next uploads. With too many open ones fewer, and none until one of ours is complete."""
        with self._changed:
            files = [self._waiting.popleft() for _ in range(min(self._at_once, len(self._waiting)))]
        created: list[NewUploadItem] = []
        try:
            created = self._api.create_uploads([_description(file) for file in files])
        except Refused as error:
            with self._changed:
                if error.problem == "too_many_uploads" and (len(files) > 1 or self._open):
                    self._at_once = max(1, len(files) // 2)
                    self._waiting.extendleft(reversed(files))
                    if len(files) == 1:
                        before = self._open
                        self._changed.wait_for(lambda: self._open < before or self._stop.is_set())
                elif exit_code(error) is ExitCode.INVALID and len(files) > 1:  # one of them, which is found so
                    self._at_once = len(files) // 2
                    self._waiting.extendleft(reversed(files))
                elif exit_code(error) is ExitCode.INVALID:
                    self._at_once = CREATED_AT_ONCE
                    self._finish(Sent(files[0], None, Refused(f"{files[0].path}: {error.message}", error.problem)))
                else:
                    self._waiting.extendleft(reversed(files))
                    raise
        finally:
            with self._changed:
                self._creating = False
                self._transfers += [_transfer(file, item) for file, item in zip(files, created, strict=False)]
                self._open += len(created)
                if created:
                    self._at_once = min(CREATED_AT_ONCE, 2 * self._at_once)
                self._changed.notify_all()

    def _advance(self, transfer: Transfer, numbers: list[int]) -> None:
        """Send parts of an upload, or compare it with its file if it is of an earlier command; then complete it."""
        error: HaulageError | None = None
        try:
            if numbers:
                self._send(transfer, numbers)
            elif not self._compare(transfer):
                return
            if not self._give_back(transfer, max(1, len(numbers))):
                return
            self._complete(transfer)
        except UnreadableFile as problem:
            error = problem
        except OSError as problem:
            error = CommandFailed(f"{transfer.file.path} can't be read: {problem.strerror or problem}")
        except Refused as problem:
            if exit_code(problem) in {ExitCode.UNAVAILABLE, ExitCode.NOT_ALLOWED}:
                raise
            error = Refused(f"{transfer.file.path}: {problem.message}", problem.problem)
        with self._changed:
            if transfer in self._transfers:
                self._transfers.remove(transfer)
                self._open -= 1
                self._finish(Sent(transfer.file, transfer.job_id, error))
        if isinstance(error, UnreadableFile):  # what was sent of it is of no use any more
            with suppress(Refused):
                self._api.cancel(transfer.job_id)

    def _give_back(self, transfer: Transfer, count: int) -> bool:
        """Record that a thread is done with parts. Return whether they were the last ones of the upload."""
        with self._changed:
            transfer.busy -= count
            self._changed.notify_all()
            return not transfer.left and not transfer.busy and transfer in self._transfers

    def _complete(self, transfer: Transfer) -> None:
        transfer.file.require_unchanged(transfer.file.path.stat())
        if transfer.unreported:
            self._api.send_parts(transfer.job_id, {}, transfer.unreported)
        self._api.complete_upload(transfer.job_id)
        self._journal.add(transfer.file, transfer.job_id)

    def _finish(self, sent: Sent) -> None:
        self._bar.add_sent()
        self._sent.append(sent)
        self._changed.notify_all()

    def _send(self, transfer: Transfer, numbers: Sequence[int]) -> None:
        """Send parts. After each failure those that are left are read and signed again."""
        left, failures = list(numbers), 0
        while left:
            crcs = {number: self._sender.crc32(transfer.file, *transfer.span(number)) for number in left}
            reported = list(transfer.unreported)
            signed = self._api.send_parts(transfer.job_id, crcs, reported)
            with self._changed:
                transfer.unreported = [number for number in transfer.unreported if number not in reported]
            try:
                for part in signed.parts:
                    self._sender.put(transfer.file, transfer.span(part.number)[0], part)
                    left.remove(part.number)
                    failures = 0
                    with self._changed:
                        transfer.unreported.append(part.number)
            except PartNotSent as error:
                failures += 1
                if failures > len(_RETRY_DELAYS):
                    raise Refused(f"{transfer.file.path} can't be sent: {error}.", "storage_fault") from error
                if self._stop.wait(_RETRY_DELAYS[failures - 1]):
                    raise Stopped from None

    def _compare(self, transfer: Transfer) -> bool:
        """Compare what the store has of an upload with the file. One that has changed is uploaded anew."""
        parts = self._api.parts(transfer.job_id)
        sent = {part.number: int(part.crc32, 16) for part in parts.parts if part.sent}
        for number, crc32 in sent.items():
            if self._sender.crc32(transfer.file, *transfer.span(number)) != crc32:
                print_message(changed_message(transfer.file, transfer.job_id))
                with self._changed:
                    self._transfers.remove(transfer)
                    self._open -= 1
                    self._waiting.appendleft(transfer.file)
                    self._changed.notify_all()
                return False
        self._bar.add_found(sum(transfer.span(number)[1] for number in sent))
        with self._changed:
            transfer.left = deque(number for number in transfer.left if number not in sent)
            transfer.is_known = True
        return True


def changed_message(file: LocalFile, job_id: UUID) -> str:
    """Return what is said about a file that is not the one of an open upload any more."""
    return (
        f"{file.path} has changed since its upload was interrupted: it is uploaded anew."
        f" `haulage jobs cancel {job_id}` removes the old upload."
    )


def _transfer(file: LocalFile, item: NewUploadItem, *, is_known: bool = True) -> Transfer:
    return Transfer(file, item.job_id, item.upload.part_size, deque(range(1, item.upload.parts + 1)), is_known=is_known)


def _description(file: LocalFile) -> dict[str, object]:
    """Return what `POST /v1/upload` needs to know of a file."""
    modified = {} if file.modified_at is None else {"lastModified": file.modified_at.isoformat()}
    return {"name": file.name, "size": file.size, **modified}
