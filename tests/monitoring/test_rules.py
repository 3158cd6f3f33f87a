"""Each alert fires when it is to, and not otherwise; promtool runs the rules on series that a test makes up."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.prometheus import promtool

pytestmark = pytest.mark.servers
RULES = Path(".compose/rules.yml")
HOURS = 60
"""Minutes: the interval of all series is one."""
HEALTHY = {
    'up{job="gateway",instance="g:1"}': "1x300",
    'haulage_jobs{status="queued",instance="g:1"}': "0x300",
    'haulage_workers{kind="upload",instance="g:1"}': "2x300",
    'haulage_queue_oldest_seconds{kind="upload",instance="g:1"}': "1x300",
    'haulage_circuit{dependency="database",instance="g:1"}': "0x300",
    'haulage_notices{kind="dead",instance="g:1"}': "0x300",
}


@dataclass(frozen=True)
class Case:
    """What Prometheus sees, and which alerts fire after `minutes`: how many of each name."""

    name: str
    series: dict[str, str]
    alerts: dict[str, int]
    minutes: int = 10


def jobs(dead: str, completed: str) -> dict[str, str]:
    return {
        'haulage_job_seconds_count{result="dead",kind="download"}': dead,
        'haulage_job_seconds_count{result="completed",kind="download"}': completed,
    }


def waits(in_time: int, *, kind: str = "download") -> dict[str, str]:
    """So many of a hundred jobs a minute start within 5 s."""
    return {
        f'haulage_job_wait_seconds_bucket{{kind="{kind}",le="5.0"}}': f"0+{in_time}x300",
        f'haulage_job_wait_seconds_count{{kind="{kind}"}}': "0+100x300",
    }


def deliveries(in_time: int) -> dict[str, str]:
    return {
        'haulage_delivery_seconds_bucket{le="0.1"}': f"0+{in_time}x300",
        "haulage_delivery_seconds_count": "0+1000x300",
    }


def oldest(kind: str, seconds: str) -> dict[str, str]:
    return {f'haulage_queue_oldest_seconds{{kind="{kind}",instance="g:1"}}': seconds}


def lags(on_time: int) -> dict[str, str]:
    """So many of a hundred samples a minute are at most 0.1 s late, and all at most 0.5 s."""
    series = 'haulage_loop_lag_seconds_bucket{{job="worker",instance="w:1",le="{}"}}'
    return {
        series.format("0.1"): f"0+{on_time}x300",
        series.format("0.5"): "0+100x300",
        series.format("+Inf"): "0+100x300",
    }


def responses(failed: int) -> dict[str, str]:
    return {
        'haulage_http_request_seconds_count{method="GET",route="other",status="5xx"}': f"0+{failed}x300",
        'haulage_http_request_seconds_count{method="GET",route="other",status="2xx"}': "0+1000x300",
    }


def notice(kind: str) -> dict[str, str]:
    return {f'haulage_notices{{kind="{kind}",instance="g:1"}}': "1x300"}


def limited(why: str, each_minute: int) -> dict[str, str]:
    return {f'haulage_limited_total{{why="{why}"}}': f"0+{each_minute}x300"}


CASES = [
    Case("all is well", {}, {}),
    # The windows of an hour, of six hours and of three days.
    Case("2 % of jobs die", jobs("0+2x300", "0+98x300"), {"HaulageCompletionBudget": 3}, minutes=2 * HOURS),
    Case("one of 2,000 jobs dies", jobs("0+1x300", "0+1999x300"), {}, minutes=2 * HOURS),
    Case("2 % died until an hour ago", jobs("0+2x60 120x240", "0+98x300"), {"HaulageCompletionBudget": 1}, 2 * HOURS),
    Case("no job ends", jobs("0x300", "0x300"), {}, minutes=2 * HOURS),
    Case("a fifth of jobs starts late", waits(80), {"HaulageStartBudget": 3}, minutes=2 * HOURS),
    Case("one of 200 jobs starts late", {**waits(100), **waits(99, kind="upload")}, {}, minutes=2 * HOURS),
    Case("images may wait", waits(10, kind="image"), {}, minutes=2 * HOURS),
    Case("a fifth of messages is late", deliveries(800), {"HaulageDeliveryBudget": 3}, minutes=2 * HOURS),
    Case("one of 200 messages is late", deliveries(995), {}, minutes=2 * HOURS),
    Case("a worker does not respond", {'up{job="worker",instance="w:1"}': "0x300"}, {"HaulageDown": 1}),
    Case("the store is not ours", {'up{job="store",instance="s:1"}': "0x300"}, {}),
    Case("a worker was replaced", {'up{job="worker",instance="w:1"}': "1 0 stale"}, {}),
    Case("nobody knows the jobs", {'haulage_jobs{status="queued",instance="g:1"}': "0 0 stale"}, {"HaulageUnseen": 1}),
    Case(
        "jobs wait without a worker",
        {**oldest("upload", "0+60x300"), 'haulage_workers{kind="upload",instance="g:1"}': "0x300"},
        {"HaulageNoWorker": 1, "HaulageQueueStuck": 1},
    ),
    Case("no worker, and nothing to do", {'haulage_workers{kind="upload",instance="g:1"}': "0x300"}, {}),
    Case("a job is not claimed", oldest("upload", "0+60x300"), {"HaulageQueueStuck": 1}),
    Case("a job waited for 50 s", oldest("upload", "0 50 0 50 0x300"), {}),
    Case("a video waits for an hour", oldest("video", "0+60x300"), {"HaulageQueueSlow": 1}, minutes=50),
    Case("a video waits for ten minutes", oldest("video", "600x300"), {}, minutes=50),
    Case("jobs are dead", notice("dead"), {"HaulageDeadJobs": 1}),
    Case(
        "one process does not reach the database",
        {'haulage_circuit{dependency="database",instance="w:1"}': "1x300"},
        {"HaulageDependencyDown": 1},
    ),
    Case("for a minute", {'haulage_circuit{dependency="database",instance="w:1"}': "0x8 1 0 0"}, {}),
    Case("5 % of requests fail", responses(50), {"HaulageErrors": 1}, minutes=20),
    Case("0.5 % of requests fail", responses(5), {}, minutes=20),
    Case("an event loop is late", lags(90), {"HaulageLoopLag": 1}, minutes=30),
    Case("an event loop is late now and then", lags(100), {}, minutes=30),
    Case("the queue is full", limited("queue_full", 60), {"HaulageFull": 1}, minutes=20),
    Case("a user sends too much", limited("too_many_requests", 60), {}, minutes=20),
    Case("workers are lost", {'haulage_attempts_total{outcome="lost"}': "0+1x300"}, {"HaulageWorkersLost": 1}, 40),
    Case("a worker was lost", {'haulage_attempts_total{outcome="lost"}': "0x20 1x300"}, {}, 40),
    Case("a disk is nearly full", notice("disk"), {"HaulageDisk": 1}),
    Case("the scanner is away", notice("scanner_away"), {"HaulageProcessing": 1}, minutes=20),
    Case("no sandbox works", notice("no_sandbox"), {"HaulageProcessing": 1}, minutes=20),
    Case("an upload was infected", notice("infected"), {}, minutes=20),
]


def rules(kind: str) -> list[dict[str, Any]]:
    """The recording rules (`record`), or the alerts (`alert`)."""
    document = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"] if kind in rule]


def test_the_rules_are_valid() -> None:
    promtool("check", "rules", RULES)


def test_alerts_fire_when_they_are_to(tmp_path: Path) -> None:
    expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
    document = {
        "rule_files": [str(RULES.resolve())],
        "evaluation_interval": "1m",
        "tests": [
            {
                "name": case.name,
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in {**HEALTHY, **case.series}.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": expression,
                        "eval_time": f"{case.minutes}m",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}"}}', "value": count} for name, count in case.alerts.items()
                        ],
                    }
                ],
            }
            for case in CASES
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(document))
    promtool("test", "rules", file)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    fires = Counter(name for case in CASES for name in case.alerts)
    assert fires.keys() == {rule["alert"] for rule in rules("alert")}
    assert len([case for case in CASES if not case.alerts]) >= len(fires)


def test_each_alert_has_an_entry_in_the_runbook_and_each_entry_an_alert() -> None:
    page = Path("docs/operations.md").read_text("utf-8")
    entries = {f"docs/operations.md#{name.lower()}" for name in re.findall(r"^#### (Haulage\w+)$", page, re.MULTILINE)}
    assert {rule["annotations"]["runbook_url"] for rule in rules("alert")} == entries
    for rule in rules("alert"):
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
