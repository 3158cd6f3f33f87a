"""Sends many files at once: a few threads share their parts, and create the uploads as they get to them.

A thread takes one step at a time: it creates uploads, computes the CRC-32 of parts and has their URLs signed, or sends a
part. The thread that sends the last part of an upload completes it. Nothing here waits for the checks of the server: a
folder is sent while its first files are checked.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from threading import Condition, Event, Thread
from typing import Any, Self
from uuid import UUID

from app.cli.client import ApiClient
from app.cli.errors import CommandFailed, Refused, ServerUnreachable, exit_code
from app.cli.local_files import LocalFile, UnreadableFile
from app.cli.output import print_message
from app.cli.uploading.journal import Journal
from app.cli.uploading.parts import PartNotSent, PartSender, Stopped
from app.cli.uploading.progress import UploadProgressBar
from app.cli.uploading.transfer import Sent, Transfer
from app.exit_codes import ExitCode
from app.schemas import NewUploadItem, SignedPartItem
from jobs.engine.jobs import Status
from jobs.errors import HaulageError
from jobs.uploads.uploads import MAX_SIGNED

THREADS = 8
"""Steps that are taken at once: small files need a few requests each, and little else."""
LARGE = 1 << 20
"""Bytes from which a part is large."""
MAX_LARGE = 4
"""Large parts that are sent at once."""
SECONDS_AHEAD = 20
"""For how many seconds parts are signed in advance, at the speed so far: URLs expire, and the file may still change."""
CREATED_AT_ONCE = 100
"""Uploads that one request creates. The next ones are created when half as many are left to send."""
_RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before a part that was not sent is signed again."""

_PATIENCE = 2.0
"""Seconds that an interrupted command waits for its threads."""

Step = Callable[[], None]


class Uploader:
    """Use it as a context manager: its threads end with it."""

    def __init__(
        self,
        api: ApiClient,
        files: Sequence[LocalFile],
        resumed: Mapping[LocalFile, NewUploadItem],
        own: Collection[UUID],
        options: Mapping[str, Any],
        journal: Journal,
        bar: UploadProgressBar,
    ) -> None:
        """`resumed`: open uploads of files, which have the same name and size. `own`: those that this command began before.

        `options`: who may read the new files, and what is made of them, as `POST /v1/upload` has it.
        """
        self._api = api
        self._options = options
        self._journal = journal
        self._bar = bar
        self._stop = Event()
        self._sender = PartSender(self._stop, bar.add_bytes, THREADS)
        self._changed = Condition()
        self._waiting = deque(file for file in files if file not in resumed)
        self._transfers = [
            Transfer.of(file, item, is_known=False, is_own=item.job_id in own) for file, item in resumed.items()
        ]
        self._lost: set[LocalFile] = set()
        self._has_sent = False
        self._is_creating = False
        self._at_once = CREATED_AT_ONCE
        self._large = 0
        self._bytes_sent = 0
        self._started_at = time.monotonic()
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
                    step = self._next_step()
                    if step is None:
                        if not (self._waiting or self._transfers or self._is_creating):
                            return
                        self._changed.wait()
                        continue
                step()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            with self._changed:
                self._fault = self._fault or error
                self._stop.set()
                self._changed.notify_all()

    def _next_step(self) -> Step | None:
        """Claim what has to be done next, if there is anything; the first uploads first."""
        if self._waiting and not self._is_creating and len(self._transfers) <= self._at_once // 2:
            self._is_creating = True
            return self._create
        for transfer in self._transfers:
            if not transfer.is_locked:
                ahead = self._parts_ahead(transfer.part_size)
                if not transfer.is_known or (transfer.unsigned and len(transfer.signed) <= ahead // 2):
                    transfer.is_locked = True
                    step = (
                        partial(self._sign, transfer, ahead) if transfer.is_known else partial(self._compare, transfer)
                    )
                    return partial(self._advance, transfer, step)
            if transfer.signed and (self._large < MAX_LARGE or transfer.signed[0].size < LARGE):
                part = transfer.signed.popleft()
                transfer.sending += 1
                self._large += part.size >= LARGE
                return partial(self._advance, transfer, partial(self._send, transfer, part))
        return None

    def _parts_ahead(self, part_size: int) -> int:
        """How many parts are signed at once."""
        speed = self._bytes_sent / max(0.001, time.monotonic() - self._started_at)
        return min(MAX_SIGNED, max(MAX_LARGE, int(speed * SECONDS_AHEAD / part_size)))

    def _create(self) -> None:
        """Create the next uploads. With too many open ones fewer, and none until one of ours is complete."""
        with self._changed:
            files = [self._waiting.popleft() for _ in range(min(self._at_once, len(self._waiting)))]
        created: list[NewUploadItem] = []
        try:
            created = self._api.create_uploads([_description(file) for file in files], self._options)
            self._journal.add({file: item.job_id for file, item in zip(files, created, strict=True)})
        except Refused as error:
            with self._changed:
                is_quota = error.problem == "upload_quota_exceeded"
                is_full = error.problem == "too_many_uploads"
                if len(files) == 1 and (is_quota or exit_code(error) is ExitCode.INVALID):
                    self._finish(Sent(files[0], None, Refused(f"{files[0].path}: {error.message}", error.problem)))
                    if is_quota:
                        self._refuse_larger(files[0].size, error.problem)
                else:
                    self._waiting.extendleft(reversed(files))
                    if len(files) > 1 and (is_full or is_quota or exit_code(error) is ExitCode.INVALID):
                        self._at_once = len(files) // 2  # fewer may fit, or one of them is refused: halving finds it
                    elif is_full and self._transfers:
                        before = len(self._transfers)
                        self._changed.wait_for(lambda: len(self._transfers) < before or self._stop.is_set())
                    else:
                        raise
        finally:
            with self._changed:
                self._is_creating = False
                self._transfers += [Transfer.of(file, item) for file, item in zip(files, created, strict=False)]
                if created:
                    self._at_once = min(CREATED_AT_ONCE, 2 * self._at_once)
                self._changed.notify_all()

    def _refuse_larger(self, size: int, problem: str) -> None:
        """Finish the waiting files that have at least `size` bytes, which are too many for what is left of a day."""
        larger = [file for file in self._waiting if file.size >= size]
        self._waiting = deque(file for file in self._waiting if file.size < size)
        for file in larger:
            message = f"{file.path}: it is larger than what may still be uploaded within 24 hours. Try again later."
            self._finish(Sent(file, None, Refused(message, problem)))

    def _advance(self, transfer: Transfer, step: Step) -> None:
        """Take a step of an upload, and complete it if that was the last one."""
        error: HaulageError | None = None
        try:
            step()
            with self._changed:
                self._changed.notify_all()
                if not transfer.is_sent or transfer not in self._transfers:
                    return
                transfer.is_locked = True
            self._complete(transfer)
        except UnreadableFile as problem:
            error = problem
        except OSError as problem:
            error = CommandFailed(f"{transfer.file.path} can't be read: {problem.strerror or problem}")
        except PartNotSent as problem:
            error = Refused(f"{transfer.file.path} can't be sent: {problem}.", "storage_fault")
        except Refused as problem:
            if exit_code(problem) in {ExitCode.UNAVAILABLE, ExitCode.NOT_ALLOWED}:
                raise
            error = Refused(f"{transfer.file.path}: {problem.message}", problem.problem)
        with self._changed:
            if transfer in self._transfers:
                self._transfers.remove(transfer)
                self._finish(Sent(transfer.file, transfer.job_id, error))
        if isinstance(error, UnreadableFile):  # what was sent of it is of no use any more
            self._discard(transfer)

    def _discard(self, transfer: Transfer) -> None:
        """Cancel an upload, unless it is of another command or device, which may still send it."""
        if transfer.is_own:
            with suppress(Refused):
                self._api.cancel(transfer.job_id)

    def _restart(self, transfer: Transfer) -> None:
        """Create another upload of the file instead."""
        with self._changed:
            if transfer in self._transfers:
                self._transfers.remove(transfer)
                self._waiting.appendleft(transfer.file)
                self._bar.add_bytes(-transfer.bytes_done)
                self._changed.notify_all()

    def _compare(self, transfer: Transfer) -> None:
        """Compare the parts of an upload with the file. One that has changed, or has ended meanwhile, is uploaded anew.

        That includes parts that were signed and not reported: the store may have a file of one part, and writes it once.
        """
        try:
            found = self._api.parts(transfer.job_id)
        except Refused as error:
            if error.problem != "job_not_found":
                raise
            return self._restart(transfer)
        if found.status is not Status.RECEIVING:
            return self._restart(transfer)
        for part in found.parts:
            if self._sender.crc32(transfer.file, *transfer.span(part.number)) != int(part.crc32, 16):
                print_message(changed_message(transfer.file, transfer.job_id))
                return self._restart(transfer)
        sent = {part.number: part.size for part in found.parts if part.sent}
        self._bar.add_found(sum(sent.values()))
        with self._changed:
            transfer.is_locked = False
            transfer.is_known = True
            transfer.bytes_done = sum(sent.values())
            transfer.unsigned = deque(number for number in transfer.unsigned if number not in sent)
        return None

    def _sign(self, transfer: Transfer, count: int) -> None:
        """Have the URLs of up to `count` parts signed, and report those that were sent meanwhile."""
        with self._changed:
            numbers = [transfer.unsigned.popleft() for _ in range(min(count, len(transfer.unsigned)))]
        crcs = {number: self._sender.crc32(transfer.file, *transfer.span(number)) for number in numbers}
        reported = list(transfer.unreported)
        signed = self._api.send_parts(transfer.job_id, crcs, reported)
        with self._changed:
            del transfer.unreported[: len(reported)]
            transfer.signed += signed.parts
            transfer.is_locked = False

    def _send(self, transfer: Transfer, part: SignedPartItem) -> None:
        """Send a part. One that was not sent is read and signed again, after a delay.

        A part that the store still refuses, while it has accepted others, is the fault of its file: `PartNotSent`. When the
        store has dropped the upload, as it does with old ones, the file is uploaded anew, once.
        """
        number, problem = part.number, None
        try:
            self._sender.put(transfer.file, transfer.span(number)[0], part)
        except PartNotSent as error:
            problem = error
        finally:
            with self._changed:
                self._large -= part.size >= LARGE
                self._changed.notify_all()
        if problem is not None:
            with self._changed:
                is_lost = problem.status == HTTPStatus.NOT_FOUND and transfer.file not in self._lost
                if is_lost:
                    self._lost.add(transfer.file)
            if is_lost:
                print_message(f"The store has lost what was sent of {transfer.file.path}: it is uploaded anew.")
                self._discard(transfer)
                return self._restart(transfer)
            failures = transfer.failures[number] = transfer.failures[number] + 1
            if failures > len(_RETRY_DELAYS):
                if problem.is_refusal and self._has_sent:
                    raise problem
                raise Refused(f"{transfer.file.path} can't be sent: {problem}.", "storage_fault") from problem
            if self._stop.wait(_RETRY_DELAYS[failures - 1]):
                raise Stopped
        with self._changed:
            transfer.sending -= 1
            if problem is None:
                self._has_sent = True
                self._bytes_sent += part.size
                transfer.bytes_done += part.size
                transfer.unreported.append(number)
            else:
                transfer.unsigned.appendleft(number)
        return None

    def _complete(self, transfer: Transfer) -> None:
        transfer.file.require_unchanged(transfer.file.path.stat())
        self._api.complete_upload(transfer.job_id, transfer.unreported)

    def _finish(self, sent: Sent) -> None:
        self._bar.add_sent()
        self._sent.append(sent)
        self._changed.notify_all()


def changed_message(file: LocalFile, job_id: UUID) -> str:
    """Return what is said about a file that is not the one of an open upload any more."""
    return (
        f"{file.path} has changed since its upload was interrupted: it is uploaded anew."
        f" `haulage jobs cancel {job_id}` removes the old upload."
    )


def _description(file: LocalFile) -> dict[str, object]:
    """Return what `POST /v1/upload` needs to know of a file."""
    modified = {} if file.modified_at is None else {"lastModified": file.modified_at.isoformat()}
    return {"name": file.name, "size": file.size, **modified}
