"""Counters of Python functions in Flink's metrics."""

from __future__ import annotations

from pyflink.metrics import Counter
from pyflink.table import FunctionContext


def counter(context: FunctionContext, name: str, **labels: str) -> Counter:
    """Return a counter of a Python function.

    Flink's Prometheus reporter puts the labels' names before the counter's: `rows` with the label
    `feature_set` is `…_feature_set_rows`, and `feature_set` is a label of it. Python sends counts
    to Java at the end of a bundle of records.
    """
    group = context.get_metric_group()
    for label, value in labels.items():
        group = group.add_group(label, value)
    return group.counter(name)
