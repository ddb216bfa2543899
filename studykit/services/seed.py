"""Seeding: simulated traffic into Kafka, or into a log file.

At full speed the events lie in three hours from a fixed time on, so that the same seed gives the
same bytes. At a rate they follow the wall clock: the simulation starts now, and each record is sent
when its time has come.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError as DeliveryError
from confluent_kafka import KafkaException, Message, Producer
from kafka.errors import KafkaError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from flink_jobs.connectors.kafka import SOURCE_TOPICS
from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.simulator.arrivals import Arrival
from flink_jobs.simulator.cards import CardHabits
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.golden import START_MS
from flink_jobs.simulator.partitions import partition_of
from flink_jobs.simulator.traffic import traffic
from flink_jobs.simulator.visits import VisitHabits
from studykit.errors import StudyError
from studykit.services.network.ports import accepts
from studykit.services.topics import PARTITIONS, count_records, create_topics, login

SPAN_SECONDS: Final = 3 * 3_600
"""Event time that a stream at full speed covers."""
IN_FLIGHT: Final = 20_000
"""The largest number of records that are sent and not yet acknowledged."""

_AGAIN: Final = (
    "There were records already, and at full speed the events always lie in the same three hours: "
    "behind those of before, they are late. To start afresh: `make clean-data`, `make up`, "
    "`make seed`. With RATE=50 the events are those of today."
)

Watch = Callable[[Iterator[Arrival]], Iterable[Arrival]]
"""A function that passes arrivals on and shows the progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """What to seed.

    Attributes:
        events: Number of records over both topics, broken and repeated ones included.
        seed: 0 to 2**32 - 1; the same seed gives the same stream.
        rate: Records a second of wall time; None for full speed.
        cards: Number of cards, the keys of payments.
        users: Number of users, the keys of clicks.
        disorder: What happens between an event and the log.

    Raises:
        StudyError: The rate is not above 0.
    """

    events: int = 100_000
    seed: int = 7
    rate: float | None = None
    cards: int = 2_000
    users: int = 2_000
    disorder: Disorder = field(default_factory=Disorder)

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise StudyError(f"a rate of {self.rate} cannot be kept: choose a number above 0")

    def arrivals(self, now_ms: int) -> Iterator[Arrival]:
        """Return the records in order of arrival; a seeding with a rate begins at `now_ms`."""
        stream = traffic(
            seed=self.seed,
            start_ms=START_MS if self.rate is None else now_ms,
            rate=self.events / SPAN_SECONDS if self.rate is None else self.rate,
            card_habits=CardHabits(cards=self.cards),
            visit_habits=VisitHabits(users=self.users),
            disorder=self.disorder,
        )
        return islice(stream, self.events)


def append(arrivals: Iterable[Arrival], partitions: int = PARTITIONS) -> Iterator[LogRecord]:
    """Yield the arrivals as a broker would store them: each with its partition and offset.

    The append time is the time of the arrival.

    >>> first = next(append(Seeding().arrivals(now_ms=0)))
    >>> first.topic, first.partition, first.offset
    ('transactions', 1, 0)
    """
    ends: Counter[tuple[str, int]] = Counter()
    for arrival in arrivals:
        partition = partition_of(arrival.key, partitions)
        offset = ends[arrival.topic, partition]
        ends[arrival.topic, partition] += 1
        yield LogRecord(arrival.topic, partition, offset, arrival.at, arrival.key, arrival.value)


def seed(seeding: Seeding, *, servers: str, to: Path | None, console: Console) -> int:
    """Seed Kafka at `servers`, or the log file `to`, and show how far it is.

    Returns:
        The number of records that arrived.

    Raises:
        StudyError: The broker or the file cannot take the records; the text says why.
    """
    begin = time.monotonic()
    columns = (TextColumn("seeding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar as progress:

        def watch(arrivals: Iterator[Arrival]) -> Iterable[Arrival]:
            return progress.track(arrivals, total=seeding.events)

        count = seed_file(seeding, to, watch) if to else seed_kafka(seeding, servers, watch)
    seconds = time.monotonic() - begin
    place = to or f"{TRANSACTIONS} and {CLICKSTREAM} at {servers}"
    console.print(
        f"{count:,} records in {place} ({seconds:.1f} s)", highlight=False, soft_wrap=True
    )
    if to is None and seeding.rate is None and count_records(servers, SOURCE_TOPICS) > count:
        console.print(_AGAIN, highlight=False)
    return count


def seed_file(seeding: Seeding, path: Path, watch: Watch = iter) -> int:
    """Write the stream of `seeding` to a log file and return the number of its records.

    Raises:
        StudyError: The seeding has a rate, or the file cannot be written.
    """
    if seeding.rate is not None:
        raise StudyError("a file is written at full speed: leave the rate out")
    try:
        return write_log(path, append(watch(seeding.arrivals(now_ms=0))))
    except OSError as error:
        raise StudyError(
            f"cannot write {path} ({error.strerror}): choose another file with --to"
        ) from None


def seed_kafka(seeding: Seeding, servers: str, watch: Watch = iter) -> int:
    """Send the stream of `seeding` to Kafka and return the number of records that arrived.

    An interrupt (Ctrl-C) ends it early: what was sent by then is delivered and counted.

    Raises:
        StudyError: No broker answers, or it does not take a record.
    """
    _require_broker(servers)
    try:
        create_topics(servers, SOURCE_TOPICS)
        sender = _Sender(servers)
        arrivals = seeding.arrivals(now_ms=_now_ms())
        sender.send_all(watch(arrivals if seeding.rate is None else paced(arrivals)))
    except (KafkaError, KafkaException) as error:
        raise StudyError(
            f"Kafka at {servers} did not take the records ({error}): see what `make doctor` says"
        ) from None
    return sender.delivered


def paced(
    arrivals: Iterable[Arrival],
    now_ms: Callable[[], int] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Arrival]:
    """Yield each arrival when the wall clock reaches its time; those of the past come at once.

    Args:
        arrivals: The stream, in order of arrival.
        now_ms: The clock; the wall clock if None.
        sleep: The function that lets seconds pass.
    """
    now_ms = now_ms or _now_ms
    for arrival in arrivals:
        wait = arrival.at - now_ms()
        if wait > 0:
            sleep(wait / 1_000)
        yield arrival


class _Sender:
    """A producer that knows what became of every record, and has few unacknowledged at a time."""

    def __init__(self, servers: str) -> None:
        self.delivered = 0
        self._failure: KafkaException | None = None
        self._producer = Producer(
            {
                **login(servers).librdkafka,
                "bootstrap.servers": servers,
                "partitioner": "murmur2_random",  # that of Kafka's own clients
                # Else a retry may repeat records or change their order: a seed is one stream.
                "enable.idempotence": True,
                "linger.ms": 20,
                "delivery.timeout.ms": 60_000,
                "on_delivery": self._confirm,
                "log_level": 2,
            }
        )

    def send_all(self, arrivals: Iterable[Arrival]) -> None:
        """Send the arrivals, and wait until the broker has them all.

        Raises:
            KafkaException: The broker did not take one.
        """
        producer = self._producer
        try:
            for arrival in arrivals:
                producer.produce(arrival.topic, arrival.value, arrival.key)
                producer.poll(0)  # else no delivery report is ever handed to `_confirm`
                while len(producer) > IN_FLIGHT:
                    producer.poll(0.1)
        except KeyboardInterrupt:
            pass
        producer.flush()
        if self._failure is not None:
            raise self._failure

    def _confirm(self, error: DeliveryError | None, _: Message) -> None:
        if error is None:
            self.delivered += 1
        elif self._failure is None:
            self._failure = KafkaException(error)


def _require_broker(servers: str) -> None:
    """Fail at once where nothing listens; a Kafka client would try for half a minute."""
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if host and port.isdigit() and accepts(host, int(port)):
            return
    raise StudyError(
        f"no Kafka broker answers at {servers}: start one with `make up`, or set KAFKA_SERVERS"
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
