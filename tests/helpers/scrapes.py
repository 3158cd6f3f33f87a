"""What a process says of itself at `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Scrape:
    """The samples of one scrape."""

    text: str
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels, among others; 0 if there is none."""
        return sum(
            value for (found, has), value in self.samples.items() if found == name and labels.items() <= set(has)
        )

    def names(self) -> set[str]:
        return {name for name, _ in self.samples}

    def labels(self) -> set[str]:
        """The names of all labels."""
        return {label for _, has in self.samples for label, _ in has}


def parsed(text: str) -> Scrape:
    """The samples in a response. Raises `ValueError` for what is not in the format of Prometheus."""
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return Scrape(text, samples)


async def scraped(port: int) -> Scrape:
    """What the process with this `METRICS_PORT` has counted."""
    async with httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=")
    return parsed(response.text)
