"""The demo files: the same bytes every time, some that compress well and some that don't."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import pi, sin
from random import Random

_BLOCK = 1 << 18
_KIB, _MIB = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A file of exactly `size` bytes, cut from the endless output of `make`."""

    name: str
    size: int
    make: Callable[[], Iterator[bytes]]


async def chunks(file: DemoFile) -> AsyncIterator[bytes]:
    """Yield the content of the file."""
    left, block = file.size, bytearray()
    for piece in file.make() if left else ():
        block += piece
        if len(block) >= min(left, _BLOCK):
            yield bytes(block[:left])
            left -= min(left, len(block))
            block.clear()
        if not left:
            return


def _noise(seed: int) -> Callable[[], Iterator[bytes]]:
    """Incompressible bytes."""
    return lambda: (random.randbytes(_BLOCK) for random in [Random(seed)] for _ in count())  # noqa: S311 - no secret


def _zeros() -> Iterator[bytes]:
    while True:
        yield bytes(_BLOCK)


def _text() -> Iterator[bytes]:
    for number in count(1):
        yield f"{number:6} Every crate that is carried is counted, weighed and sealed before it leaves.\n".encode()


def _japanese() -> Iterator[bytes]:
    for number in count(1):
        yield f"{number:05}\t貨物\t横浜 → Göteborg\t{number * 37 % 900} kg\n".encode()


def _freight(seed: int) -> Callable[[], Iterator[bytes]]:
    def lines() -> Iterator[bytes]:
        random = Random(seed)  # noqa: S311 - no secret
        yield b"crate,kind,kilograms,from,to\n"
        for number in count(1):
            kind = random.choice(("tea", "timber", "tiles", "tin"))
            yield f"{number},{kind},{random.randrange(10, 2000)},Rotterdam,Duisburg\n".encode()

    return lines


def _log() -> Iterator[bytes]:
    for number in count():
        yield (json.dumps({"event": "crate_loaded", "crate": number, "ms": number * 7919 % 350}) + "\n").encode()


def _measured() -> Iterator[bytes]:
    for number in count():
        yield f"{number * 60}\t{sin(number / 90) * 12 + 8:.4f}\t{sin(number / 700) * 30 + 60:.3f}\n".encode()


def _picture(width: int, height: int) -> Callable[[], Iterator[bytes]]:
    """A BMP with 24 bits a pixel, bottom row first."""

    def rows() -> Iterator[bytes]:
        size = 3 * width * height
        yield struct.pack(
            "<2sIHHIIiiHHIIiiII", b"BM", 54 + size, 0, 0, 54, 40, width, height, 1, 24, 0, size, 2835, 2835, 0, 0
        )
        for y in count():
            yield b"".join(bytes((255 * x // width, 255 * y // height % 256, (x ^ y) & 255)) for x in range(width))

    return rows


def _sound(size: int) -> Callable[[], Iterator[bytes]]:
    """A WAV that repeats one second of 440 Hz, 16 bits, 44.1 kHz."""

    def frames() -> Iterator[bytes]:
        data = size - 44
        head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", size - 8, b"WAVE", b"fmt ", 16, 1, 1, 44100, 88200, 2, 16)
        yield head + struct.pack("<4sI", b"data", data)
        second = struct.pack("<44100h", *(int(9000 * sin(2 * pi * 440 * n / 44100)) for n in range(44100)))
        while True:
            yield second

    return frames


_PICTURE = (960, 720)
_PICTURE_SIZE = 54 + 3 * _PICTURE[0] * _PICTURE[1]
_SOUND_SIZE = 44 + 30 * 88200

FILES = (
    DemoFile("Read me first.txt", 12 * _KIB, _text),
    DemoFile("lists/freight.csv", 6 * _MIB, _freight(1)),
    DemoFile("lists/freight.csv", 2 * _MIB, _freight(2)),
    DemoFile("lists/貨物一覧 Übersicht.tsv", 700 * _KIB, _japanese),
    DemoFile("logs/loading.jsonl", 5 * _MIB, _log),
    DemoFile("logs/empty.log", 0, _zeros),
    DemoFile("measurements/temperature.tsv", 3 * _MIB, _measured),
    DemoFile("pictures/gradient.bmp", _PICTURE_SIZE, _picture(*_PICTURE)),
    DemoFile("sound/440 Hz.wav", _SOUND_SIZE, _sound(_SOUND_SIZE)),
    DemoFile("disks/blank.img", 4 * _MIB, _zeros),
    DemoFile("disks/encrypted.img", 12 * _MIB, _noise(3)),
    DemoFile("keys.bin", 100_003, _noise(4)),
)
"""Twelve files, 37 MiB; two of them have the same name."""
