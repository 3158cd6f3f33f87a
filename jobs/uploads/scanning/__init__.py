"""The virus scan of uploads by clamd."""

from __future__ import annotations

from jobs.uploads.scanning.scanner import INFECTED, TESTS, Scan, Scanner, ScannerVersion, Verdict, open_scanner

__all__ = ["INFECTED", "TESTS", "Scan", "Scanner", "ScannerVersion", "Verdict", "open_scanner"]
