"""The records that flow into a job, and its output, while a test disturbs the job."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from kafka import KafkaConsumer
from msgspec import Struct

from flink_jobs.connectors.kafka import SOURCE_TOPICS
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.events import TRANSACTIONS
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import FeatureRow
from flink_jobs.simulator.partitions import partition_of
from tests.support.inputs.logs import click, payment
from tests.support.worlds.accounts import letter_of
from tests.support.worlds.processor import DAY_MS, Entry, World

PER_SECOND: Final = 60
"""Records; a few of each hundred are late or no events. More would be more work, and prove no more.
"""
SPEED: Final = 100
"""How many times as fast as the clock event time runs."""
_TICKS: Final = 20
"""How often in a second records are sent."""


class Flow:
    """Traffic at a steady rate, and the event time that it has reached."""

    def __init__(self, world: World, seed: int) -> None:
        """Prepare the traffic that `seed` decides."""
        self._world = world
        self._arrivals = enumerate(world.arrivals(seed, PER_SECOND / SPEED))
        self._enough = threading.Event()
        self._thread: threading.Thread | None = None
        self._held: int | None = None
        self.codec: str | None = None
        """With what the records are packed, once the traffic goes on."""
        self.latest_ms = 0
        """The largest event time so far, of events that are no defects."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send records while the context is open."""
        self.go_on()
        try:
            yield
        finally:
            self.pause()

    def go_on(self) -> None:
        """Send the next records, by a producer that knows what the topics are by now."""
        self._enough.clear()
        self._thread = threading.Thread(
            target=lambda: self._world.append(self._paced(), self.codec)
        )
        self._thread.start()

    def pause(self) -> None:
        """Send no more records; return when all are in the log."""
        self._enough.set()
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def holding_back(self, partition: int) -> Iterator[int]:
        """Let a partition of either topic say nothing for as long as this is open.

        Then all that was held back comes at once, in its order. Yields `latest_ms`.
        """
        self._held = partition
        try:
            yield self.latest_ms
        finally:
            self._held = None

    def close_log(self) -> int:
        """Append a last event to each partition, after all windows; return its time."""
        end_ms = self.latest_ms + DAY_MS
        places = [
            (topic, partition)
            for topic in SOURCE_TOPICS
            for partition in range(self._world.partitions_of(topic))
        ]
        self.send_events(places, "end", end_ms)
        return end_ms

    def send_events(self, places: Iterable[tuple[str, int]], name: str, event_ms: int) -> None:
        """Append an event to partitions, each of a key of its own: a key has one partition."""
        entries = []
        for topic, partition in places:
            key = f"{name}-{partition}"
            fields = (payment if topic == TRANSACTIONS else click)(0, key, event_time=event_ms)
            entries.append((topic, partition, key.encode(), msgspec.json.encode(fields)))
        self._world.append(entries)

    def _paced(self) -> Iterator[Entry]:
        kept: list[Entry] = []
        for number, arrival in self._arrivals:
            if number % (PER_SECOND // _TICKS) == 0 and self._enough.wait(1 / _TICKS):
                break
            partitions = self._world.partitions_of(arrival.topic)
            held, partition = self._held, partition_of(arrival.key, partitions)
            entry = arrival.topic, partition, arrival.key, arrival.value
            if partition == held:
                kept.append(entry)
                continue
            if kept and held is None:
                yield from kept
                kept.clear()
            self.latest_ms = arrival.at
            yield entry
        yield from kept


class _Row(Struct):
    window_end: int


class Tail:
    """Sees rows and dead letters as soon as they are committed."""

    def __init__(self, world: World, consumer: KafkaConsumer) -> None:
        """Follow the topics of the job's output with `consumer`, from their present ends."""
        self._world = world
        self._consumer = consumer
        self.restart()

    def restart(self) -> None:
        """Forget what has been seen, and go on at the present ends."""
        self._latest_ms = dict.fromkeys((feature_set.target for feature_set in CATALOG), 0)
        self._latest_missed_ms = 0
        firsts = self._world.ends((*self._latest_ms, DEAD_LETTER_TOPIC))
        self._consumer.assign(list(firsts))
        for partition, offset in firsts.items():
            self._consumer.seek(partition, offset)

    def poll(self) -> None:
        """Read the output committed since the last call; wait a little where there is none."""
        for partition, records in self._consumer.poll(250).items():
            if partition.topic == DEAD_LETTER_TOPIC:
                missed = [start for record in records for start in letter_of(record).missed]
                self._latest_missed_ms = max([self._latest_missed_ms, *missed])
                continue
            latest_ms = max(_decode(record.value).window_end for record in records)
            self._latest_ms[partition.topic] = max(self._latest_ms[partition.topic], latest_ms)

    def is_past(self, event_ms: int) -> bool:
        """Tell whether a window that ends after `event_ms` has been seen.

        Only an event that is later still can have completed it.
        """
        return max(self._latest_ms.values()) > event_ms

    def has_missed_past(self, event_ms: int) -> bool:
        """Tell whether a dead letter names a window that starts after `event_ms`."""
        return self._latest_missed_ms > event_ms

    def has_last_of(self, rows: Iterable[FeatureRow]) -> bool:
        """Tell whether, of every set, a window has been seen that ends with the last of `rows`."""
        last_ms = dict.fromkeys(self._latest_ms, 0)
        targets = {feature_set.name: feature_set.target for feature_set in CATALOG}
        for row in rows:
            topic = targets[row.feature_set]
            last_ms[topic] = max(last_ms[topic], row.window_end)
        return all(self._latest_ms[topic] >= last_ms[topic] for topic in last_ms)


_decode = msgspec.json.Decoder(_Row).decode
