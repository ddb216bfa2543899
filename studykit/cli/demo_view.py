"""What the demo shows: partitions, the newest features of a few cards, and dead letters."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import redis
from kafka import KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table

from flink_jobs.connectors.redis import read_features
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.features.catalog import CATALOG
from studykit.services.network.http import get
from studykit.services.topics import PARTITIONS

RATE_FRAMES = 20
"""Frames over which a rate is taken: five seconds."""
CARDS = 6
LETTERS = 8
WHY = {
    "late": "everything that it belonged to had closed",
    "partial_late": "some of its windows had closed",
    "malformed": "no event",
    "future_timestamp": "a clock ahead of the broker's",
    "unstored": "Redis would not take the row",
}
_FIRST_SET = {feature_set.source: feature_set.name for feature_set in reversed(CATALOG)}
"""One feature set of each topic: all of a topic's sets consume the same records."""

PartitionLabels = tuple[str, str]
"""Topic and partition, as labels."""


class DemoView:
    """A view of the demo: it reads the processor's metrics, the store and the dead letters."""

    def __init__(self, servers: str, redis_port: int, metrics_port: int) -> None:
        """Watch the services of a demo."""
        self._metrics_port = metrics_port
        self._store = redis.Redis(port=redis_port)
        self._letters: deque[dict[str, str]] = deque(maxlen=LETTERS)
        self._reasons: Counter[str] = Counter()
        self._history: deque[tuple[float, dict[PartitionLabels, float]]] = deque(maxlen=RATE_FRAMES)
        partitions = [TopicPartition(DEAD_LETTER_TOPIC, number) for number in range(PARTITIONS)]
        self._consumer = KafkaConsumer(bootstrap_servers=servers, metrics_enabled=False)
        self._consumer.assign(partitions)
        self._consumer.seek_to_beginning(*partitions)

    def frame(self, seconds_left: float) -> RenderableType:
        """Return what the terminal shows with so many seconds left; 0 at the end."""
        self._read_letters()
        caption = f"{seconds_left:.0f} s left" if seconds_left else "the end"
        return Group(
            Panel(self._partitions(), title=f"Partitions: each its own event time ({caption})"),
            Panel(self._cards(), title="Feature store: the riskiest cards, newest window"),
            Panel(self._dead_letters(), title=f"Dead letters: {_counts(self._reasons)}"),
        )

    def close(self) -> None:
        """Close the connections to the broker and the store."""
        self._consumer.close()
        self._store.close()

    def _partitions(self) -> Table:
        table = _table("partition", "records/s", "consumed", "watermark", "behind", "lag")
        samples = self._samples()
        consumed = {
            (topic, number): value
            for (name, topic, number, feature_set), value in samples.items()
            if name == "features_consumed_total" and feature_set == _FIRST_SET[topic]
        }
        self._history.append((time.monotonic(), consumed))
        (then, before), (now, _) = self._history[0], self._history[-1]
        for where in sorted(consumed):
            behind = samples.get(("features_watermark_lag_seconds", *where, ""))
            table.add_row(
                "/".join(where),
                f"{(consumed[where] - before.get(where, 0)) / max(now - then, 0.1):.0f}",
                f"{consumed[where]:.0f}",
                "" if behind is None else _clock(time.time() - behind),
                "" if behind is None else f"{behind:.1f} s",
                f"{samples.get(('features_lag_records', *where, ''), 0):.0f}",
            )
        return table

    def _samples(self) -> dict[tuple[str, str, str, str], float]:
        """Return the metrics by name, topic, partition and feature set; none at the very start."""
        try:
            text = get(self._metrics_port, "metrics", timeout_seconds=2).text
        except OSError:
            return {}
        return {
            (
                sample.name,
                sample.labels["topic"],
                sample.labels["partition"],
                sample.labels.get("feature_set", ""),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if "partition" in sample.labels and "verdict" not in sample.labels
        }

    def _cards(self) -> Table:
        table = _table("card", "window ends", "payments", "sum", "merchants", "risk", "reasons")
        rows = sorted(
            self._features(), key=lambda entry: (-entry[1]["risk_score"], -entry[1]["tx_count"])
        )
        for card, row in rows[:CARDS]:
            table.add_row(
                card,
                _clock(row["window_end"] / 1_000),
                str(row["tx_count"]),
                f"{row['amount_sum_cents'] / 100:,.2f}",
                str(row["distinct_merchants"]),
                str(row["risk_score"]),
                ", ".join(row["reason_codes"]),
            )
        return table

    def _features(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for key in self._store.scan_iter("features:fraud:*"):
            row = read_features(self._store, key.decode())
            if row is not None:  # it may expire between the two
                yield key.decode().rpartition(":")[2], row

    def _read_letters(self) -> None:
        for records in self._consumer.poll(timeout_ms=50).values():
            for record in records:
                letter = {name: value.decode() for name, value in record.headers}
                place = record.key.decode().rsplit("/", 1)[0]
                self._letters.append({**letter, "record": place})
                self._reasons[letter["reason"]] += 1

    def _dead_letters(self) -> Table:
        table = _table("record", "feature set", "reason", "late by", "which means")
        for letter in self._letters:
            late_ms = letter["late_by_ms"]
            table.add_row(
                letter["record"],
                letter["feature_set"],
                letter["reason"],
                f"{int(late_ms) / 1_000:.1f} s" if late_ms else "",
                WHY[letter["reason"]],
            )
        return table


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, expand=True, pad_edge=False)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%H:%M:%S")


def _counts(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none yet"
