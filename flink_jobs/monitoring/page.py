"""A page of metrics in Prometheus' text format, read."""

from __future__ import annotations

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class MetricsPage:
    r"""The samples of a page.

    A name stands for every metric that ends with it: Flink puts the scope before a name, and a
    reporter its labels' names.

    >>> page = MetricsPage.read('rows{set="fraud"} 3\nrows{set="session"} 4\nold_rows 9\n')
    >>> page.total("rows"), page.total("rows", set="fraud"), page.by("rows", "set")
    (16.0, 3.0, Counter({'session': 4, 'fraud': 3}))
    """

    def __init__(self, samples: list[Sample]) -> None:
        """Hold `samples`."""
        self._samples = samples

    @classmethod
    def read(cls, text: str) -> MetricsPage:
        """Read a page.

        Raises:
            ValueError: The text is no page of metrics.
        """
        families = text_string_to_metric_families(text)
        return cls([sample for family in families for sample in family.samples])

    def of(self, name: str, **labels: str) -> list[Sample]:
        """Return the samples with these labels whose name is `name` or ends with `_` and `name`."""
        return [
            sample
            for sample in self._samples
            if f"_{sample.name}".endswith(f"_{name}") and labels.items() <= sample.labels.items()
        ]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that `of` returns; 0 without any."""
        return sum((sample.value for sample in self.of(name, **labels)), start=0.0)

    def largest(self, name: str) -> float | None:
        """Return the largest value of the samples of a name; None without any."""
        return max((sample.value for sample in self.of(name)), default=None)

    def by(self, name: str, label: str, **labels: str) -> Counter[str]:
        """Return the sums of the samples of a name, as whole numbers, by the value of `label`."""
        sums: Counter[str] = Counter()
        for sample in self.of(name, **labels):
            if label in sample.labels:
                sums[sample.labels[label]] += int(sample.value)
        return sums
