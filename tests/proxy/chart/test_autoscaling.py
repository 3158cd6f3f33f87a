"""What KEDA evaluates: the query on a real database, and the formula as docs/examples/autoscaling.py has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil

import asyncpg
import pytest

from jobs.engine.fair_share import FIRST_BATCH_PLACE
from jobs.engine.sql.workers import record_heartbeat
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.examples import load_example
from tests.helpers.helm import CHART, Manifest, named, pods, rendered
from tests.helpers.jobs import create


@pytest.fixture(scope="module")
def scaled() -> list[Manifest]:
    return rendered(CHART / "ci" / "route-and-keda.yaml")


def triggers(scaled: list[Manifest]) -> dict[str, dict[str, str]]:
    spec = named(scaled, "ScaledObject", "haulage-transfers")["spec"]
    return {trigger["name"]: trigger["metadata"] for trigger in spec["triggers"]}


@pytest.fixture
def query(scaled: list[Manifest]) -> str:
    return triggers(scaled)["load"]["query"]


async def test_the_query_counts_jobs_that_run_and_those_that_are_due(
    services: Services, settings: Settings, query: str
) -> None:
    connection = await asyncpg.connect(str(settings.database_url))

    async def load() -> float:
        return float(await connection.fetchval(query))

    async def heartbeat(worker: str, *kinds: Kind) -> None:
        await record_heartbeat(services.database, worker, dict.fromkeys(kinds, 4), datetime.now(UTC))

    await heartbeat("worker-1", Kind.DOWNLOAD, Kind.UPLOAD)
    assert await load() == 0
    jobs = [await create(services, 10_000) for _ in range(6)]
    assert await load() == 6 / 4
    claimed = await services.lifecycle.claim(jobs[0].id, jobs[0].fence, "worker-1")
    assert claimed is not None
    assert await load() == 6 / 4, "one of them runs"
    await connection.execute("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE id = $1", jobs[1].id)
    assert await load() == 5 / 4, "one waits for its next attempt"
    await connection.execute("UPDATE jobs SET queued_at = $1 WHERE id = $2", FIRST_BATCH_PLACE, jobs[2].id)
    assert await load() == 4 / 4, "one is a batch job"
    await connection.execute("UPDATE jobs SET kind = 'upload' WHERE id = $1", jobs[3].id)
    assert await load() == 3 / 4, "a worker runs as many uploads beside its downloads"
    await connection.execute("UPDATE jobs SET kind = 'image' WHERE id = $1", jobs[4].id)
    assert await load() == 2 / 4, "one is for another group of workers"
    await connection.execute("UPDATE jobs SET kind = 'download' WHERE id = $1", jobs[3].id)
    await heartbeat("worker-1", Kind.UPLOAD)
    assert await load() == 1 / 4, "no worker runs downloads: only the one that runs counts"
    await heartbeat("worker-2", Kind.DOWNLOAD)
    assert await load() == 3 / 4
    await connection.execute("UPDATE workers SET seen_at = now() - interval '2 minutes' WHERE name = 'worker-2'")
    assert await load() == 1 / 4, "the worker that ran downloads was lost"
    await heartbeat("worker-2", Kind.DOWNLOAD)
    await connection.execute("INSERT INTO paused_queues VALUES ('download', now(), 'admin')")
    assert await load() == 1 / 4, "only the one that runs"
    await connection.close()


def test_the_number_of_workers_is_that_of_the_pods_of_their_deployment(scaled: list[Manifest]) -> None:
    selector = dict(each.split("=") for each in triggers(scaled)["workers"]["podSelector"].split(","))
    found = [name for name, pod in pods(scaled).items() if selector.items() <= pod["metadata"]["labels"].items()]
    assert found == ["haulage-transfers"]


def evaluated(formula: str) -> Callable[[float, float], float]:
    """The formula as a function of `load` and `workers`: `a ? b : c` is Python's `b if a else c`."""
    [(condition, more, other)] = re.findall(r"^(.+?) \? (.+?) : \((.+)\)$", formula)
    [(less, fewer, same)] = re.findall(r"^(.+?) \? (.+?) : (.+)$", other)
    text = f"({more}) if ({condition}) else ({fewer}) if ({less}) else ({same})"

    def evaluate(load: float, workers: float) -> float:
        names = {"ceil": ceil, "max": max, "load": load, "workers": workers, "__builtins__": {}}
        return float(eval(text, names))

    return evaluate


def test_the_formula_is_the_one_that_is_simulated(scaled: list[Manifest]) -> None:
    simulation = load_example("autoscaling")
    modifiers = named(scaled, "ScaledObject", "haulage-transfers")["spec"]["advanced"]["scalingModifiers"]
    formula = evaluated(modifiers["formula"])
    rule = simulation.Rule(scale_out=2.5, scale_in=1.25)
    loads = [number / 8 for number in range(400)]
    assert {formula(load, 0) for load in loads[1:20]} == {1}, "the first worker"
    for workers in range(1, 21):
        for load in loads:
            assert formula(load, workers) == rule.wanted(load, workers), (load, workers)
    spec = named(scaled, "ScaledObject", "haulage-transfers")["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (rule.minimum, rule.maximum)
    assert spec["pollingInterval"] == simulation.Cluster().polling
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == simulation.Cluster().stabilization
    assert modifiers["target"] == "1"
    assert modifiers["metricType"] == "AverageValue"
