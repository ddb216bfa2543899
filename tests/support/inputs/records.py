"""Valid records, and the same mutated: what a topic may hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import TRANSACTIONS
from flink_jobs.simulator.arrivals import deliver
from flink_jobs.simulator.cards import CardHabits, payments
from flink_jobs.simulator.visits import VisitHabits, visits
from tests.support.inputs.payment_logs import BASE_MS

BATCH = 5_000


NASTY = (
    b"null",
    b"true",
    b"NaN",
    b"-1",
    b"1e999",
    b"0.5",
    b'""',
    b"{}",
    b"[]",
    b'"',
    b"\\",
    b"\\ud800",
    b"\x00",
    b"\xff",
    b"\xf0\x9f\x98\x80",
    b",",
    b"9" * 30,
    b"[" * 100,
    b"1760000400",
    b"253402300799999",
)


def mutated(topic: str, count: int, draw: random.Random) -> Iterator[list[LogRecord]]:
    """Yield batches of valid records, most of them mutated, whose time creeps forward."""
    good = list(islice(valid(topic), 2_000))
    uniform = draw.random
    batch: list[LogRecord] = []
    for offset in range(count):
        now = good[offset * len(good) // count]
        _, key, value = good[int((offset + 600 * uniform()) * len(good) / (count + 600))]
        for _ in range(int(3 * uniform())):
            value = MUTATIONS[int(len(MUTATIONS) * uniform())](value, uniform)
        batch.append(LogRecord(topic, 0, offset, now[0], key, value))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def valid(topic: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield time, key and payload of good events over some two hours."""
    if topic == TRANSACTIONS:
        events: Any = payments(seed=1, start_ms=BASE_MS, rate=0.3, habits=CardHabits(cards=100))
    else:
        events = visits(seed=1, start_ms=BASE_MS, rate=0.3, habits=VisitHabits(users=100))
    for arrival in deliver(events):
        assert arrival.value is not None
        yield arrival.at, arrival.key, arrival.value


Uniform = Callable[[], float]


def flip(value: bytes, uniform: Uniform) -> bytes:
    at = int(len(value) * uniform())
    return value[:at] + bytes((int(256 * uniform()),)) + value[at + 1 :]


def digit(value: bytes, uniform: Uniform) -> bytes:
    """Change the last time-like digits: mostly another valid event at another time."""
    at = value.find(b'"event_time":') + 13 + int(14 * uniform())
    return value[:at] + b"%d" % int(10 * uniform()) + value[at + 1 :]


def drop(value: bytes, uniform: Uniform) -> bytes:
    at = int(len(value) * uniform())
    return value[:at] + value[at + 1 + int(8 * uniform()) :]


def insert(value: bytes, uniform: Uniform) -> bytes:
    at = int(len(value) * uniform())
    return value[:at] + NASTY[int(len(NASTY) * uniform())] + value[at:]


def replace_value(value: bytes, uniform: Uniform) -> bytes:
    """Put something nasty in the place of one field's value."""
    parts = value.split(b",")
    which = int(len(parts) * uniform())
    name, _, _ = parts[which].partition(b":")
    parts[which] = name + b":" + NASTY[int(len(NASTY) * uniform())]
    return b",".join(parts)


def cut(value: bytes, uniform: Uniform) -> bytes:
    return value[: int(len(value) * uniform())]


MUTATIONS = (flip, digit, digit, drop, insert, replace_value, cut)
