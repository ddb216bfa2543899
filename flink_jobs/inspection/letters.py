"""Dead letters as the topic `dead-letter` holds them: read, selected, counted."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.topic_log import TopicLog
from flink_jobs.inspection.progress import Watch


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter. Times are epoch milliseconds."""

    identity: str
    """topic/partition/offset/feature_set; of an unstored row: Redis key/window end/revision."""
    reason: str
    feature_set: str | None
    topic: str | None
    """The topic of the original; None for an unstored row."""
    partition: int | None
    offset: int | None
    written: int
    """The time at which the broker appended the letter, epoch milliseconds."""
    event_time: int | None
    watermark: int | None
    late_by_ms: int | None
    missed_windows: tuple[int, ...] | None
    cause: str | None
    """The store's code; None unless the letter is an unstored row."""
    is_cut: bool
    """Whether the original was too long, so that the letter holds only its beginning."""
    original: bytes | None

    def line(self) -> bytes:
        """Return the letter as JSON; an original that is no text stands in `original_b64`."""
        fields = msgspec.structs.asdict(self)
        original = fields.pop("original")
        try:
            fields["original"] = None if original is None else original.decode()
        except UnicodeDecodeError:
            fields["original_b64"] = base64.b64encode(original).decode()
        return msgspec.json.encode(fields)


class Selection(Struct, frozen=True, kw_only=True):
    """A choice of letters; a field that is empty or None selects all."""

    reasons: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    feature_sets: tuple[str, ...] = ()
    since: int | None = None
    """Letters written at this time or later, epoch milliseconds."""
    until: int | None = None
    """Letters written before this time, epoch milliseconds."""

    def takes(self, letter: Letter) -> bool:
        """Return whether a letter belongs to the choice."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.topic in self.topics)
            and (not self.feature_sets or letter.feature_set in self.feature_sets)
            and (self.since is None or letter.written >= self.since)
            and (self.until is None or letter.written < self.until)
        )


def read_letters(settings: Settings, selection: Selection, watch: Watch) -> Iterator[Letter]:
    """Yield the selected letters of the topic, each once: a crash may have written some twice.

    Raises:
        KafkaUnusable: The topic cannot be read.
    """
    log = TopicLog(settings, Names(settings.features_prefix).letters)
    seen: set[str] = set()
    for batch in watch(log.read(), log.size):
        for letter in map(letter_of, batch):
            if letter is not None and selection.takes(letter) and letter.identity not in seen:
                seen.add(letter.identity)
                yield letter


def letter_of(record: Any) -> Letter | None:  # noqa: ANN401 - Kafka's record, with headers
    """Return the letter in a record; None where somebody else wrote the record."""
    headers = {name: (value or b"").decode() for name, value in record.headers}
    if record.key is None or not headers.get("reason"):
        return None
    identity = record.key.decode(errors="replace")
    unstored = headers["reason"] == "unstored"
    topic, partition, offset = (None, None, None) if unstored else _place(identity)
    missed = headers.get("missed_windows")
    return Letter(
        identity=identity,
        reason=headers["reason"],
        feature_set=headers.get("feature_set") or None,
        topic=topic,
        partition=partition,
        offset=offset,
        written=record.timestamp,
        event_time=_number(headers, "event_time"),
        watermark=_number(headers, "watermark"),
        late_by_ms=_number(headers, "late_by_ms"),
        missed_windows=tuple(msgspec.json.decode(missed)) if missed else None,
        cause=headers.get("cause"),
        is_cut="original_bytes" in headers,
        original=record.value,
    )


def counts(letters: Iterable[Letter]) -> dict[tuple[str, str, str], int]:
    """Return how many letters there are by reason, topic and feature set, in that order."""
    found: dict[tuple[str, str, str], int] = {}
    for letter in letters:
        kind = letter.reason, letter.topic or "", letter.feature_set or ""
        found[kind] = found.get(kind, 0) + 1
    return dict(sorted(found.items()))


def _place(identity: str) -> tuple[str | None, int | None, int | None]:
    parts = identity.split("/")
    if len(parts) != 4 or not (parts[1].isdigit() and parts[2].isdigit()):
        return None, None, None
    return parts[0], int(parts[1]), int(parts[2])


def _number(headers: dict[str, str], name: str) -> int | None:
    text = headers.get(name)
    return int(text) if text else None
