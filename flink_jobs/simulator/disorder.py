"""Disorder: what lies between the moment of an event and its place in the log.

Each part is a function from arrivals to arrivals. A part takes them in order of arrival and returns
them in that order, draws from a generator of its own, and holds in memory only what is under way.
So parts combine in any order, and a part that is left out does not change the draws of another.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from flink_jobs.simulator.arrivals import Arrival
from flink_jobs.simulator.defects import FUTURE, MALFORMED, WRONG_UNITS, Defect
from flink_jobs.simulator.partitions import partition_of

Delay: TypeAlias = Callable[[random.Random], int]
"""Draws a delay in milliseconds, not negative."""


def log_normal(median_ms: float, spread: float, longest_ms: int) -> Delay:
    """Return log-normal delays: most are short, a few very long, none above `longest_ms`.

    Args:
        median_ms: The median of the delays, milliseconds.
        spread: The standard deviation of the delays' natural logarithm.
        longest_ms: The longest delay; longer ones are cut to it.
    """
    return lambda draw: min(int(median_ms * math.exp(spread * draw.gauss(0, 1))), longest_ms)


def delay(arrivals: Iterable[Arrival], *, seed: int, by: Delay) -> Iterator[Arrival]:
    """Delay each message on its own, as a network does.

    With delays of at most d, no message arrives more than d after it was sent. An event is then
    never more than d behind the largest event time seen before it: with a bound of d none is late.
    """
    # By text, so that each part has draws of its own. `Random` hashes text the same in every
    # process; `hash()` does not.
    draw = random.Random(f"delay/{seed}")
    return _reorder(
        (arrival.at, arrival.delayed_until(arrival.at + by(draw))) for arrival in arrivals
    )


def go_offline(
    arrivals: Iterable[Arrival], *, seed: int, share: float, shortest_ms: int, longest_ms: int
) -> Iterator[Arrival]:
    """Let devices lose the network and come back: all that a key sent meanwhile arrives then.

    Args:
        arrivals: Messages in order of arrival.
        seed: The same seed makes the same devices go offline.
        share: Probability that a device goes offline with the message that it is sending.
        shortest_ms: Shortest time offline, milliseconds.
        longest_ms: Longest time offline, milliseconds.
    """
    return _reorder(
        _offline(arrivals, random.Random(f"offline/{seed}"), share, shortest_ms, longest_ms)
    )


def _offline(
    arrivals: Iterable[Arrival],
    draw: random.Random,
    share: float,
    shortest_ms: int,
    longest_ms: int,
) -> Iterator[tuple[int, Arrival]]:
    back: dict[bytes, int] = {}
    for arrival in arrivals:
        until = back.get(arrival.key, 0)
        if until <= arrival.at:
            back.pop(arrival.key, None)
            if draw.random() >= share:
                yield arrival.at, arrival
                continue
            until = back[arrival.key] = arrival.at + draw.randint(shortest_ms, longest_ms)
        yield arrival.at, arrival.delayed_until(until)


def duplicate(
    arrivals: Iterable[Arrival], *, seed: int, share: float, longest_ms: int
) -> Iterator[Arrival]:
    """Deliver some messages twice, as a producer's retry does.

    The copy is equal to the first, and arrives at most `longest_ms` after it. Nothing marks it as a
    copy: whoever must not count it twice has to look at `event_id`.
    """
    return _reorder(_repeat(arrivals, random.Random(f"duplicate/{seed}"), share, longest_ms))


def _repeat(
    arrivals: Iterable[Arrival], draw: random.Random, share: float, longest_ms: int
) -> Iterator[tuple[int, Arrival]]:
    for arrival in arrivals:
        yield arrival.at, arrival
        if draw.random() < share:
            yield arrival.at, arrival.delayed_until(arrival.at + draw.randint(0, longest_ms))


def corrupt(
    arrivals: Iterable[Arrival], *, seed: int, share: float, defects: Mapping[str, Defect]
) -> Iterator[Arrival]:
    """Give a share of the messages a defect, each of `defects` as likely as the others.

    A message that has a defect already keeps that one, and a tombstone stays a tombstone.
    """
    draw = random.Random(f"corrupt/{seed}/{','.join(defects)}")
    choices = list(defects.items())
    for arrival in arrivals:
        # Drawn for every message, also for one that keeps what it has: the others' draws stay.
        if draw.random() >= share or arrival.defect or arrival.value is None:
            yield arrival
            continue
        name, defect = draw.choice(choices)
        value = defect(arrival.value, draw)
        yield Arrival(arrival.at, arrival.topic, arrival.key, value, name)


def fall_silent(
    arrivals: Iterable[Arrival],
    *,
    topic: str,
    partition: int,
    partitions: int,
    start_ms: int,
    end_ms: int,
    held_back: bool = False,
) -> Iterator[Arrival]:
    """Make one partition idle: nothing arrives in it from `start_ms` up to `end_ms`, exclusive.

    Args:
        arrivals: Messages in order of arrival.
        topic: Topic of the partition.
        partition: Number of the partition.
        partitions: Number of partitions that the topic has.
        start_ms: Begin of the silence, epoch milliseconds.
        end_ms: End of the silence, epoch milliseconds.
        held_back: True: the partition's messages are held back, and all arrive at `end_ms`, old by
            then. False: there are none.
    """

    def concerned(arrival: Arrival) -> bool:
        return (
            start_ms <= arrival.at < end_ms
            and arrival.topic == topic
            and partition_of(arrival.key, partitions) == partition
        )

    if not held_back:
        return (arrival for arrival in arrivals if not concerned(arrival))
    return _reorder(
        (arrival.at, arrival.delayed_until(end_ms) if concerned(arrival) else arrival)
        for arrival in arrivals
    )


def _reorder(sent: Iterable[tuple[int, Arrival]]) -> Iterator[Arrival]:
    """Yield messages in order of arrival, those of one millisecond in the order of sending.

    Args:
        sent: Time of sending, never descending, and the message, which arrives then or later.
    """
    under_way: list[tuple[int, int, Arrival]] = []
    for number, (now, arrival) in enumerate(sent):
        # `number` settles ties: in one millisecond the order of sending, and no comparing of
        # values.
        heapq.heappush(under_way, (arrival.at, number, arrival))
        while under_way and under_way[0][0] <= now:
            yield heapq.heappop(under_way)[2]
    while under_way:
        yield heapq.heappop(under_way)[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disorder:
    """How much of each kind of disorder a stream has. Times in milliseconds, shares from 0 to 1.

    The default delays stay within the default bound of 30 s, so that a late event always comes from
    a device that was offline.
    """

    median_delay_ms: int = 200
    delay_spread: float = 1.0
    longest_delay_ms: int = 20_000
    offline_share: float = 0.001
    shortest_offline_ms: int = 60_000
    longest_offline_ms: int = 900_000
    duplicate_share: float = 0.0
    longest_retry_ms: int = 5_000
    malformed_share: float = 0.001
    wrong_unit_share: float = 0.0002
    future_share: float = 0.0002

    def apply(self, arrivals: Iterable[Arrival], seed: int) -> Iterator[Arrival]:
        """Return the arrivals with this disorder; the same seed gives the same result."""
        # Defects first: a broken message is delayed and copied like any other.
        arrivals = corrupt(arrivals, seed=seed, share=self.malformed_share, defects=MALFORMED)
        arrivals = corrupt(arrivals, seed=seed, share=self.wrong_unit_share, defects=WRONG_UNITS)
        arrivals = corrupt(arrivals, seed=seed, share=self.future_share, defects=FUTURE)
        arrivals = go_offline(
            arrivals,
            seed=seed,
            share=self.offline_share,
            shortest_ms=self.shortest_offline_ms,
            longest_ms=self.longest_offline_ms,
        )
        delays = log_normal(self.median_delay_ms, self.delay_spread, self.longest_delay_ms)
        arrivals = delay(arrivals, seed=seed, by=delays)
        return duplicate(
            arrivals, seed=seed, share=self.duplicate_share, longest_ms=self.longest_retry_ms
        )
