"""Counters of Python functions, as Flink's reporters show them."""

from __future__ import annotations

from pyflink.metrics import Counter
from pyflink.table import FunctionContext


def counter(context: FunctionContext, name: str, **labels: str) -> Counter:
    """Return the counter of a Python function, as Flink's reporters show it: name and labels."""
    group = context.get_metric_group()
    for label, value in labels.items():
        group = group.add_group(label, value)
    return group.counter(name)
