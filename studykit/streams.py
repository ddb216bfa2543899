"""The learner's own stream: events from a log file, or from a live topic as far as it has come.

What the engine refuses is refused here by the same rules, and counted: nothing vanishes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flink_jobs.connectors.log_file import LogFileError, read_log
from flink_jobs.events import EVENT_TYPES, EventDecoder, Malformed, Record, Transaction
from studykit.errors import StudyError
from studykit.steps import Event

if TYPE_CHECKING:
    from kafka import TopicPartition

MAX_FUTURE_MS: Final = 300_000
"""How far an event time may lie ahead of the append time: the default of the system."""

_TIMEOUT_MS: Final = 10_000
_POLL_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Stream:
    """Events of a topic, with times that begin near 0 so that they can be drawn.

    Attributes:
        events: In the order of the log; the source is the partition, `p0` and so on.
        start_ms: Epoch milliseconds that count as 0: a multiple of five minutes, so that windows
            which divide five minutes keep their places.
        refused: Records that are no events, or of the future, by reason.
    """

    events: tuple[Event, ...]
    start_ms: int
    refused: dict[str, int]


def from_log(path: Path, topic: str, *, partition: int | None = None, limit: int = 1_000) -> Stream:
    """Read the first records of a topic from a log file.

    Args:
        path: A log file, as `study seed --to` writes it.
        topic: One of the event topics.
        partition: Only this one; all if None.
        limit: Largest number of records.

    Raises:
        StudyError: The file cannot be read, or the topic is unknown.
    """
    _check_topic(topic)
    try:
        wanted = (
            record
            for record in read_log(path)
            if record.topic == topic and partition in (None, record.partition)
        )
        return as_stream(islice(wanted, limit), topic)
    except LogFileError as error:
        raise StudyError(str(error)) from None


def from_kafka(
    servers: str, topic: str, *, partition: int | None = None, limit: int = 1_000
) -> Stream:
    """Read the newest records of a live topic, up to its end as it is now, and stop there.

    Nothing is committed, and no group is joined: a running processor does not notice.

    Args:
        servers: `host:port` of a broker.
        topic: One of the event topics.
        partition: Only this one; all if None.
        limit: Largest number of records, shared evenly by the partitions.

    Raises:
        StudyError: No broker answers, or the topic is unknown.
    """
    from kafka import KafkaConsumer  # noqa: PLC0415 - the teaching core starts without Kafka
    from kafka.errors import KafkaError  # noqa: PLC0415

    _check_topic(topic)
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=servers,
            bootstrap_timeout_ms=_TIMEOUT_MS,
            enable_auto_commit=False,
            metrics_enabled=False,
        )
        try:
            records = sorted(_newest(consumer, topic, partition, limit), key=_arrival)
        finally:
            consumer.close()
    except (KafkaError, OSError, ValueError) as error:
        raise StudyError(
            f"cannot read {topic} from {servers} ({type(error).__name__}): start a broker with "
            "`make up` and fill it with `make seed`"
        ) from None
    return as_stream(records, topic)


def as_stream(records: Iterable[Record], topic: str) -> Stream:
    """Turn records, in the order of the log, into events that can be drawn.

    A log that was written in one go long after its events happened tells nothing about when they
    arrived. Its arrivals are moved back by a constant: the quickest event then arrives at once.
    """
    decode = EventDecoder(topic).decode
    refused: Counter[str] = Counter()
    events = []
    for record in records:
        try:
            event = decode(record.key, record.value)
        except Malformed:
            refused["malformed"] += 1
            continue
        if event.event_time > record.timestamp + MAX_FUTURE_MS:
            refused["future_timestamp"] += 1
            continue
        value = event.amount_cents if isinstance(event, Transaction) else 1
        source = f"p{record.partition}"
        events.append(Event(event.event_time, record.timestamp, event.key, value, source))
    if not events:
        return Stream((), 0, dict(refused))
    return Stream(*_from_0(events), dict(refused))


def _from_0(events: list[Event]) -> tuple[tuple[Event, ...], int]:
    """Return the events with times that begin near 0, and the time that counts as 0."""
    first_ms = min(event.event_ms for event in events)
    start_ms = first_ms - first_ms % 300_000
    skew_ms = min(event.skew_ms for event in events)
    late_ms = start_ms + (skew_ms if skew_ms > 3_600_000 else 0)
    shifted = (
        Event(one.event_ms - start_ms, one.arrival_ms - late_ms, one.key, one.value, one.source)
        for one in events
    )
    return tuple(shifted), start_ms


def _check_topic(topic: str) -> None:
    if topic not in EVENT_TYPES:
        known = " or ".join(EVENT_TYPES)
        raise StudyError(f"topic {topic!r} holds no events: choose {known}")


def _arrival(record: Record) -> tuple[int, int, int]:
    return record.timestamp, record.partition, record.offset


def _newest(
    consumer: Any,  # noqa: ANN401 - kafka-python has no types
    topic: str,
    partition: int | None,
    limit: int,
) -> Iterator[Record]:
    """Yield the last records of each partition, up to its end as it is now."""
    from kafka import TopicPartition  # noqa: PLC0415

    numbers = sorted(consumer.partitions_for_topic(topic) or ())
    places = [TopicPartition(topic, n) for n in numbers if partition in (None, n)]
    if not places:
        raise ValueError(topic)
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    begins = consumer.beginning_offsets(places)
    share = max(limit // len(places), 1)
    for place in places:
        consumer.seek(place, max(begins[place], ends[place] - share))
    patience = _TIMEOUT_MS
    while _behind(consumer, ends):
        batches = consumer.poll(timeout_ms=_POLL_MS)
        patience = _TIMEOUT_MS if batches else patience - _POLL_MS
        if patience <= 0:
            raise OSError("the broker fell silent")
        for batch in batches.values():
            yield from (one for one in batch if one.offset < ends[_place_of(one)])


def _behind(consumer: Any, ends: dict[TopicPartition, int]) -> bool:  # noqa: ANN401
    return any(consumer.position(place) < end for place, end in ends.items())


def _place_of(record: Record) -> TopicPartition:
    from kafka import TopicPartition  # noqa: PLC0415

    return TopicPartition(record.topic, record.partition)
