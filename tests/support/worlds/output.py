"""The output of a run: how it is read back, and compared with what it has to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import redis
from kafka import KafkaConsumer

from flink_jobs.dead_letter import DeadLetter
from flink_jobs.processor.lane import Ledger
from flink_jobs.processor.partition import Output
from tests.support.services.shared import TestServices

T = TypeVar("T")


@dataclass
class Reference:
    """The output of an undisturbed run over the topics."""

    output: Output
    ledgers: dict[tuple[str, str, str], Ledger]
    """Ledgers by topic, partition and feature set."""


def consumer_of(services: TestServices) -> closing[KafkaConsumer]:
    """Open a consumer of no group."""
    return closing(
        KafkaConsumer(
            bootstrap_servers=services.kafka.address,
            enable_auto_commit=False,
            isolation_level="read_committed",
            metrics_enabled=False,
        )
    )


def hashes(client: redis.Redis) -> dict[bytes, dict[bytes, bytes]]:
    keys = sorted(client.scan_iter("features:*", count=1_000))
    with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hgetall(key)
        return dict(zip(keys, pipeline.execute(), strict=True))


def assert_same(found: dict[Any, Any], expected: dict[Any, Any]) -> None:
    """Compare large dictionaries, and show a few of the differences."""
    missing = sorted(expected.keys() - found.keys())
    surplus = sorted(found.keys() - expected.keys())
    other = [
        (found[key], expected[key]) for key in found if expected.get(key, found[key]) != found[key]
    ]
    differences = len(missing), len(surplus), len(other)
    assert differences == (0, 0, 0), (differences, missing[:3], surplus[:3], other[:3])


def once(pairs: Iterable[tuple[T, Any]]) -> dict[T, Any]:
    """Return pairs as a dictionary; two pairs of one key must be equal."""
    found: dict[T, Any] = {}
    for key, value in pairs:
        assert found.setdefault(key, value) == value, key
    return found


def identity(row: Mapping[str, Any]) -> tuple[str, int, int]:
    return row["key"], row["window_end"], row["revision"]


def image(letter: DeadLetter) -> tuple[bytes | None, tuple[tuple[str, bytes], ...]]:
    return letter.original, tuple(letter.headers)
