"""What is made of a photo, by the program that Haulage's workers run, beside sharp and Pillow: CPU and memory.

Each contender is a process that decodes one image of 24 megapixels, and makes a thumbnail of 320 pixels and a web size of
1,600 as WebP of quality 80. All decode once, and make the thumbnail of the web size.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pyvips

from jobs.processing.decoders.protocol import OUT, SOURCE, Request, encode_request
from tests.bench import programs
from tests.bench.arena import Arena
from tests.bench.effort import Effort
from tests.bench.report import Figure

CONTENDERS = Path(__file__).parent / "contenders"
PILLOW = "pillow==13.0.0"
WIDTH, HEIGHT = 6000, 4000
FORMATS = {"JPEG": (".jpg", "image/jpeg"), "PNG": (".png", "image/png"), "WebP": (".webp", "image/webp")}
TURNS = 5
"""Processes of each contender a round."""
SHARP_CPU, SHARP_MEMORY = 1.2, 1.0
"""Most of ours as a share of sharp's, from JPEG."""
PILLOW_CPU, PILLOW_MEMORY = 1.7, 3.0
"""Least of Pillow's as a multiple of ours, from PNG and WebP."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process used."""

    cpu: float
    memory: int


_MEASURE = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""
"""Runs a program from a small process: the peak memory of a process counts that of its parent when it was started."""


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """All contenders in turns, format by format."""
    figures: list[Figure] = []
    scratch = arena.folder / "images"
    (scratch / OUT).mkdir(parents=True)
    commands = _commands()
    for name, (suffix, detected) in FORMATS.items():
        path = scratch / f"photo{suffix}"
        photo(WIDTH, HEIGHT).write_to_file(str(path))
        shutil.copy(path, scratch / SOURCE)
        request = encode_request(Request(detected=detected)) + b"\n"
        costs: dict[str, list[Cost]] = {contender: [] for contender in commands}
        for _ in range(effort.rounds * TURNS):
            for contender, command in commands.items():
                arguments = [] if contender == "Haulage" else [str(path), str(scratch / OUT)]
                costs[contender].append(_run([*command, *arguments], scratch, request))
        figures += _figures(name, costs)
        path.unlink()
    shutil.rmtree(scratch)
    return figures


def _commands() -> Mapping[str, Sequence[str]]:
    node, folder = programs.node(CONTENDERS / "sharp", "sharp")
    pillow = programs.python_package(PILLOW, "pillow")
    paths = [str(pillow), str(CONTENDERS)]
    main = f"import sys; sys.path[:0] = {paths!r}; import pillow_images; pillow_images.main()"
    return {
        "Haulage": [sys.executable, "-I", "-m", "jobs.processing.decoders.image"],
        "sharp": [node, str(folder / "images.mjs")],
        "Pillow": [sys.executable, "-I", "-c", main],
    }


def photo(width: int, height: int) -> Any:
    """Clouds with the grain of a sensor, from the same seeds each time."""
    clouds = [pyvips.Image.perlin(width, height, cell_size=700, seed=seed).linear(90, 128) for seed in range(3)]
    grain = pyvips.Image.gaussnoise(width, height, sigma=6, seed=1)
    return clouds[0].bandjoin(clouds[1:]).add(grain).cast("uchar").copy(interpretation="srgb")


def _run(command: Sequence[str], folder: Path, request: bytes) -> Cost:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _MEASURE, *command],
        cwd=folder,
        env={},
        input=request,
        capture_output=True,
        check=True,
    )
    code, cpu, peak = json.loads(done.stdout)
    if code != 0:
        raise RuntimeError(f"{command[0]} ended with {code}: {done.stderr.decode(errors='replace')}")
    return Cost(cpu, peak * 1024)


def _figures(name: str, costs: Mapping[str, Sequence[Cost]]) -> list[Figure]:
    cpu = {contender: median(one.cpu for one in every) for contender, every in costs.items()}
    memory = {contender: median(one.memory for one in every) for contender, every in costs.items()}
    figures = [
        Figure(f"{name}: {contender}", f"{1000 * cpu[contender]:.0f} ms of CPU, {memory[contender] / 1e6:.0f} MB")
        for contender in costs
    ]
    if name == "JPEG":
        figures += [
            _at_most(f"{name}: CPU, Haulage ÷ sharp", cpu["Haulage"] / cpu["sharp"], SHARP_CPU),
            _at_most(f"{name}: memory, Haulage ÷ sharp", memory["Haulage"] / memory["sharp"], SHARP_MEMORY),
        ]
    else:
        figures += [
            _at_least(f"{name}: CPU, Pillow ÷ Haulage", cpu["Pillow"] / cpu["Haulage"], PILLOW_CPU),
            _at_least(f"{name}: memory, Pillow ÷ Haulage", memory["Pillow"] / memory["Haulage"], PILLOW_MEMORY),
        ]
    return figures


def _at_most(what: str, ratio: float, most: float) -> Figure:
    return Figure(what, f"{ratio:.2f}", f"≤ {most:g}", ratio <= most)


def _at_least(what: str, ratio: float, least: float) -> Figure:
    return Figure(what, f"{ratio:.2f}", f"≥ {least:g}", ratio >= least)
