"""Where the ffmpeg program is found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.processing.ffmpeg import find_ffmpeg


def program(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_setting_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, installed = program(tmp_path / "mine"), program(tmp_path / "bin" / "ffmpeg")
    monkeypatch.setenv("PATH", str(installed.parent))
    assert find_ffmpeg(str(named)) == named
    assert find_ffmpeg("ffmpeg") == installed
    assert find_ffmpeg(str(tmp_path / "nothing")) is None


def test_the_one_of_the_machine_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = program(tmp_path / "bin" / "ffmpeg")
    monkeypatch.setenv("PATH", str(installed.parent))
    assert find_ffmpeg("") == installed


def test_the_wheel_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_ffmpeg("")
    assert found is not None
    assert "imageio_ffmpeg" in found.parts
    assert os.access(found, os.X_OK)
