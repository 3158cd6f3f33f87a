"""What traces cost: POST `/v1/download/initiate` without them, and with none, 1 % and all of the jobs sampled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import process_time

from jobs.settings import TraceSettings
from jobs.tracing.opening import open_tracer
from jobs.tracing.spans import running
from tests.bench import load
from tests.bench.arena import Arena, cpu_seconds
from tests.bench.effort import Effort, middle
from tests.bench.load import Load
from tests.bench.report import Figure
from tests.helpers.collectors import collecting

CLIENTS = 16
FILES = 100
TURNS = 5
"""Turns of each gateway in a round. Short ones, since the machine is never the same for long."""
SPANS = 10_000
SAMPLED = {"0 %": 0.0, "1 %": 0.01, "100 %": 1.0}


@dataclass(frozen=True, slots=True)
class Run:
    """Requests a second, and microseconds of processor time of the gateway for each."""

    rate: float
    cpu: float


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Gateway processes that differ in their traces alone take turns. Their collector keeps nothing."""
    body = json.dumps({"file_ids": list(range(10_000, 10_000 + FILES))}).encode()
    requests = [load.request("POST", "/v1/download/initiate", body)]
    turns: list[dict[str, Run]] = []
    with collecting() as collector:
        collector.status = 202
        traced: Mapping[str, dict[str, object]] = {
            name: {"otel_exporter_otlp_endpoint": collector.url, "otel_traces_sampler_arg": share}
            for name, share in SAMPLED.items()
        }
        async with AsyncExitStack() as stack:
            gateways = [
                (name, await stack.enter_async_context(arena.gateway_process(**changes)))
                for name, changes in [("off", {}), *traced.items()]
            ]
            await _turn(arena, effort, gateways, requests)  # none is cold afterwards
            for number in range(effort.rounds * TURNS):
                first = number % len(gateways)
                turns.append(await _turn(arena, effort, gateways[first:] + gateways[:first], requests))
        assert collector.requests, "the collector got nothing"
        spans = {name: await _span_cost(TraceSettings.model_validate(changes)) for name, changes in traced.items()}
    off = await _span_cost(TraceSettings())
    figures = [
        Figure(f"`initiate` of {FILES} files without traces", f"{middle(turns, lambda it: it['off'].cpu):,.0f} µs"),
        Figure("Its span, without traces", f"{off:.1f} µs"),
    ]
    for name in SAMPLED:
        cpu = middle(turns, lambda it, name=name: it["off"].cpu / it[name].cpu)  # type: ignore[misc]
        rate = middle(turns, lambda it, name=name: it[name].rate / it["off"].rate)  # type: ignore[misc]
        figures += [
            Figure(f"Its span, {name} sampled", f"{spans[name]:.1f} µs"),
            Figure(
                f"`initiate`, {name} sampled: rate ÷ rate without traces", f"{rate:.2f}; processor time {1 / cpu:.2f}"
            ),
        ]
    return figures


async def _turn(
    arena: Arena, effort: Effort, gateways: list[tuple[str, tuple[int, int]]], requests: list[bytes]
) -> dict[str, Run]:
    return {name: await _run(arena, effort, gateway, requests) for name, gateway in gateways}


async def _run(arena: Arena, effort: Effort, gateway: tuple[int, int], requests: list[bytes]) -> Run:
    port, pid = gateway
    one = Load(port=port, requests=requests, connections=CLIENTS, seconds=effort.seconds / TURNS)
    before = cpu_seconds(pid)
    answers = await arena.apart(load.run, one)
    assert answers.statuses.keys() == {202}, answers.statuses
    return Run(answers.rate, 1e6 * (cpu_seconds(pid) - before) / len(answers.times))


async def _span_cost(settings: TraceSettings) -> float:
    """Microseconds of processor time of this process for one span, with its way to the collector."""
    tracer = open_tracer(settings)
    began = process_time()
    for _ in range(SPANS):
        with running(tracer.begin("create job", None)) as span:
            span.set({"haulage.job.id": "0198f0b0-0000-7000-8000-000000000001", "haulage.files": FILES})
    await tracer.close()
    return 1e6 * (process_time() - began) / SPANS
