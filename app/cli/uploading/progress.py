"""The progress of many uploads in the terminal: one bar for all of them."""

from __future__ import annotations

from threading import Lock

from app.cli.sizes import size_text
from app.cli.transfer.progress_bar import ProgressBar


class UploadProgressBar(ProgressBar):
    """Bytes that were sent, then files that were checked. Its methods can be called from any thread."""

    def __init__(self, files: int, size: int, *, quiet: bool = False) -> None:
        """`size`: bytes of all files together."""
        super().__init__(quiet=quiet)
        self._files = files
        self._size = size
        self._done = 0
        self._sent = 0
        self._checked = 0
        self._lock = Lock()

    def show_start(self) -> None:
        """Show what will be sent."""
        self.print_line(f"sending {file_count(self._files)}, {size_text(self._size)}")

    def add_bytes(self, count: int) -> None:
        """Count bytes that were sent; negative if they have to be sent again."""
        with self._lock:
            self._done += count
            self._draw_all()

    def add_found(self, count: int) -> None:
        """Count bytes that the store has from an earlier command, which say nothing about the speed."""
        with self._lock:
            self._done += count
            self.skip(count)
            self._draw_all()

    def add_sent(self) -> None:
        """Count a file that was sent completely."""
        with self._lock:
            self._sent += 1
            self._draw_all()
            if self._sent == self._files:
                self.print_line("checking")

    def add_checked(self) -> None:
        """Count a file that is in the catalogue, or was refused."""
        with self._lock:
            self._checked += 1
            self._draw_all()

    def _draw_all(self) -> None:
        if self._sent < self._files:
            return self.draw_rate(f"Sending {self._sent}/{self._files}", self._done, self._size)
        share = 100 * self._checked / self._files
        return self.draw(f"Checking {self._checked}/{self._files}", share, amount="", speed="", left="")


def file_count(count: int) -> str:
    """Format a number of files."""
    return "1 file" if count == 1 else f"{count:,} files"
