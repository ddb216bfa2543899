"""One page of metrics for several processes: the sums of the pages of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

_COUNTED: Final = frozenset({"counter", "histogram"})


class Sums(Collector):
    """Sums metrics over processes that come and go, so that no counter ever goes back.

    A gauge is the sum over the processes that live. A counter also keeps what processes that have
    ended had counted when they were last asked.
    """

    def __init__(self) -> None:
        """Begin without a process."""
        self._living: dict[int, list[Metric]] = {}
        self._ended: list[Metric] = []

    def update(self, process: int, page: str) -> None:
        """Take the newest page of a process, which replaces the page before it."""
        self._living[process] = [
            family
            for family in text_string_to_metric_families(page)
            if not family.name.endswith("_created")  # a sum of times is no time
        ]

    def end(self, process: int) -> None:
        """Note that a process has ended, so that its counters are kept and its number is free."""
        families = self._living.pop(process, [])
        kept = [family for family in families if family.type in _COUNTED]
        self._ended = list(_summed([*self._ended, *kept]))

    def collect(self) -> Iterator[Metric]:
        """Yield the sums; called by the registry."""
        living = [family for families in list(self._living.values()) for family in families]
        return _summed([*self._ended, *living])

    def page(self) -> bytes:
        """Return the sums as a page in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)


def _summed(families: Iterable[Metric]) -> Iterator[Metric]:
    """Yield one family for each name; its samples are the sums by name and labels."""
    by_name: dict[str, list[Metric]] = {}
    for family in families:
        by_name.setdefault(family.name, []).append(family)
    for name, alike in by_name.items():
        values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        for sample in (sample for family in alike for sample in family.samples):
            place = sample.name, tuple(sample.labels.items())
            values[place] = values.get(place, 0.0) + sample.value
        summed = Metric(name, alike[0].documentation, alike[0].type)
        for (sample_name, labels), value in values.items():
            summed.add_sample(sample_name, dict(labels), value)
        yield summed
