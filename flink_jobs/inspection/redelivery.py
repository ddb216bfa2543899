"""Sending dead letters back, so that nothing is counted twice.

An original may be sent back only if no feature set has counted it and each would count it now:

- `late` and `partial_late`: never. The watermark of a partition does not go back, so the event
  would be late again; and some windows, or another feature set, may have counted it.
- `malformed` and `future_timestamp`: no feature set has seen these. They go back if the payload is
  a valid event by now, its time is no longer ahead of the clock, and it is on time: after the
  watermark of the partition that it goes to, for sessions, too.
- `unstored` rows do not go to a topic but into the store, whose guard refuses what is not newer:
  writing one twice changes nothing.

What was sent back is remembered by the log itself: the record's header `replay_of` names the
original's topic, partition and offset. All of the topic is read before anything is sent, and an
original that some record names is not sent again, nor is a record that is itself a replay. The
records go out in one transaction, of an id that only one program can hold: of two at once, or of
one that died, the earlier has sent nothing or everything before the later one begins to read. Where
retention may have deleted a replay, its original is refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from confluent_kafka import KafkaException, Producer
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import MAX_RECORD_BYTES, KafkaUnusable
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.redis import FeatureStore, open_answering
from flink_jobs.connectors.security import KafkaSecurity
from flink_jobs.connectors.topic_log import TopicLog, commits_of
from flink_jobs.events import EVENT_TYPES, Event
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.clickstream import PersonalizationFeatures, SessionFeatures
from flink_jobs.features.row import FeatureRow
from flink_jobs.features.transactions import FraudFeatures
from flink_jobs.inspection.letters import Letter
from flink_jobs.inspection.progress import Watch
from flink_jobs.processor.group.commits import settings_of
from flink_jobs.processor.partition import Partition
from flink_jobs.simulator.partitions import partition_of

REPLAY_OF: Final = "replay_of"
"""The header that names the original: topic/partition/offset."""
TRANSACTION_ID: Final = "study-letters-replay"
_TIMEOUT_S: Final = 30.0

Fate: TypeAlias = Literal[
    "send",
    "store",
    "sent_before",
    "late_again",
    "may_be_counted",
    "still_malformed",
    "still_ahead",
    "is_a_replay",
    "is_cut",
    "other_record",
    "cannot_know",
]
"""What becomes of a letter: `send` and `store` go back, the others are refused."""

_BY_REASON: Final[Mapping[str, Fate]] = {
    "unstored": "store",
    "late": "late_again",
    "partial_late": "may_be_counted",
}

_FEATURES: Final[Mapping[str, Any]] = {
    "fraud": FraudFeatures,
    "personalization": PersonalizationFeatures,
    "session": SessionFeatures,
}


class Decision(Struct, frozen=True):
    """A letter, what becomes of it, and the key that its original goes back with."""

    letter: Letter
    fate: Fate
    key: bytes | None = None


class _Scan:
    """The log of a topic, as far as it decides which originals may go back to that topic."""

    def __init__(self, topic: str, partitions: int, settings: Settings) -> None:
        self.partitions = partitions
        self.replays: set[str] = set()
        self.firsts: dict[int, Any] = {}
        self.found: dict[tuple[int, int], Any] = {}
        self._streams = {
            number: Partition(topic, settings, sets=()) for number in range(partitions)
        }

    def read(self, batch: Sequence[Any], wanted: frozenset[tuple[int, int]]) -> None:
        number = batch[0].partition
        self.firsts.setdefault(number, batch[0])
        self._streams[number].process(batch)
        for record in batch:
            if replay := replay_of(record):
                self.replays.add(replay)
            if (number, record.offset) in wanted:
                self.found[number, record.offset] = record

    def is_on_time(self, number: int, event_ms: int) -> bool:
        """Return whether every feature set would count an event, in all of its windows."""
        return event_ms > self._streams[number].clock.watermark_ms + 1

    def may_have_lost(self, number: int, since_ms: int) -> bool:
        """Return whether records that were appended since then may be deleted."""
        first = self.firsts.get(number)
        return first is not None and first.offset > 0 and first.timestamp > since_ms


def replay_of(record: Any) -> str | None:  # noqa: ANN401 - Kafka's record, with headers
    """Return which original a record is a replay of; None where it is none."""
    return next((value.decode() for name, value in record.headers if name == REPLAY_OF), None)


def decide(
    settings: Settings, letters: Iterable[Letter], watch: Watch, now_ms: int | None = None
) -> list[Decision]:
    """Return what would become of each letter, reading the topics of their originals.

    Raises:
        KafkaUnusable: A topic cannot be read.
    """
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    decisions = []
    waiting: dict[str, list[tuple[Letter, Event]]] = {}
    for letter in letters:
        fate, event = _at_first_sight(letter, now_ms + settings.max_future_ms)
        if event is None:
            decisions.append(Decision(letter, fate))
        else:
            waiting.setdefault(letter.topic or "", []).append((letter, event))
    for topic, candidates in waiting.items():
        scan = _scanned(settings, topic, [letter for letter, _ in candidates], watch)
        decisions += [_by_log(letter, event, scan) for letter, event in candidates]
    return decisions


def send_back(settings: Settings, letters: Iterable[Letter], watch: Watch) -> list[Decision]:
    """Send back what may go back; return what became of each letter.

    Raises:
        KafkaUnusable: The broker refuses, or another program sends letters back meanwhile. Then
            nothing was sent.
        StoreAway, StoreUnusable, ServiceAway: The store does not take the rows.
    """
    try:
        producer = _open_producer(settings)
        producer.init_transactions(_TIMEOUT_S)  # before the log is read: who sent before is done
        decisions = decide(settings, letters, watch)
        producer.begin_transaction()
        for decision in decisions:
            if decision.fate == "send":
                _send(producer, decision)
        producer.commit_transaction(_TIMEOUT_S)
    except KafkaException as error:
        raise KafkaUnusable(
            f"nothing was sent ({error.args[0].str()}): ask again, and let one program at a time "
            "send letters back"
        ) from None
    rows = [row_of(decision.letter) for decision in decisions if decision.fate == "store"]
    if rows:
        with open_answering(settings) as client:
            ttl = {feature_set.name: feature_set.ttl_ms(settings) for feature_set in CATALOG}
            refused = FeatureStore(client, ttl, Names(settings.features_prefix)).write(rows).refused
        if refused:
            raise KafkaUnusable(
                f"Redis still refuses {len(refused)} rows ({refused[0][1]}): see FeaturesUnstored "
                "in docs/runbook.md"
            )
    return decisions


def row_of(letter: Letter) -> FeatureRow:
    """Return the row that an unstored letter holds."""
    fields = msgspec.json.decode(letter.original or b"")
    features = msgspec.convert(fields.pop("features"), _FEATURES[fields["feature_set"]])
    return FeatureRow(**fields, features=features)


def _at_first_sight(letter: Letter, latest_ms: int) -> tuple[Fate, Event | None]:
    """Return a fate that the letter alone decides, or the event whose fate the log decides."""
    if letter.reason in _BY_REASON:
        return _BY_REASON[letter.reason], None
    if letter.is_cut:
        return "is_cut", None
    try:
        event = msgspec.json.decode(letter.original or b"", type=EVENT_TYPES[letter.topic or ""])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, RecursionError):
        return "still_malformed", None
    if event.event_time > latest_ms:
        return "still_ahead", None
    return "send", event


def _by_log(letter: Letter, event: Event, scan: _Scan) -> Decision:
    """Return the fate that the topic's log decides."""
    place = f"{letter.topic}/{letter.partition}/{letter.offset}"
    original = scan.found.get((letter.partition or 0, letter.offset or 0))
    key = event.key.encode()
    number = partition_of(key, scan.partitions)
    if place in scan.replays:
        return Decision(letter, "sent_before")
    if scan.may_have_lost(number, letter.written) or original is None:
        return Decision(letter, "cannot_know")
    if original.value != letter.original:  # the topic was created anew, with other offsets
        return Decision(letter, "other_record")
    if replay_of(original):
        return Decision(letter, "is_a_replay")
    if not scan.is_on_time(number, event.event_time):
        return Decision(letter, "late_again")
    return Decision(letter, "send", key)


def _scanned(settings: Settings, topic: str, letters: Sequence[Letter], watch: Watch) -> _Scan:
    commits = commits_of(settings, topic)
    log = TopicLog(settings, topic)
    # Late is what the group finds late, whatever the environment here says.
    used = settings_of(next(iter(commits.values()), None), settings)
    scan = _Scan(topic, len(log.ends), used)
    wanted = frozenset((letter.partition or 0, letter.offset or 0) for letter in letters)
    for batch in watch(log.read(), log.size):
        scan.read(batch, wanted)
    return scan


def _open_producer(settings: Settings) -> Producer:
    return Producer(
        {
            **KafkaSecurity.read(settings).librdkafka,
            "bootstrap.servers": settings.kafka_servers,
            "partitioner": "murmur2_random",  # Kafka's own; librdkafka's default is CRC32
            "transactional.id": TRANSACTION_ID,
            "message.max.bytes": MAX_RECORD_BYTES,
            "log_level": 0,
        }
    )


def _send(producer: Producer, decision: Decision) -> None:
    letter = decision.letter
    place = f"{letter.topic}/{letter.partition}/{letter.offset}"
    while True:
        try:
            producer.produce(
                str(letter.topic),
                letter.original,
                decision.key,
                headers=[(REPLAY_OF, place.encode()), ("replay_reason", letter.reason.encode())],
            )
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return
