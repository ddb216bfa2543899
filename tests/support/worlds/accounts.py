"""The accounts of a run: the output that its log calls for, against the output that can be read.

Everything is a function of the log alone, so a run that was exactly once differs in nothing,
whatever happened to it. Where one does differ, the accounts say in what.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.engine.windows import SlidingWindows, is_closed
from flink_jobs.events import EventDecoder, Malformed, Record
from flink_jobs.features.catalog import CATALOG, FRAUD, PERSONALIZATION, SESSION, FeatureSet
from flink_jobs.features.row import FeatureRow, encode_row
from flink_jobs.processor.partition import Output
from tests.support.worlds.output import hashes, image
from tests.support.worlds.processor import World

COUNTS = {FRAUD.name: "tx_count", PERSONALIZATION.name: "events", SESSION.name: "events"}
"""By feature set, the feature that says how many events a row counts."""

Windows = Counter[tuple[str, int]]
"""How many events there are in the windows, by key and start."""


class Differences(NamedTuple):
    """How the output that can be read differs from the output that the log calls for."""

    missing: int = 0
    """Rows and dead letters that the log calls for and nobody can read."""
    surplus: int = 0
    """Rows and dead letters that the log does not call for."""
    twice: int = 0
    """Rows and dead letters that can be read more than once."""
    other: int = 0
    """Rows and dead letters whose content is another than the log calls for."""
    stored: int = 0
    """Hashes of the store that are not the last row of their entity."""
    lost: int = 0
    """How often a window lacks an event, and no dead letter says so."""
    counted_twice: int = 0
    """How often an event is in a window that its dead letter lists as missed."""

    def plus(self, more: Differences) -> Differences:
        """Return the sums, name by name."""
        return Differences(*map(sum, zip(self, more, strict=True)))


class Row(Struct):
    """The part of a feature row that the accounts need."""

    key: str
    window_start: int
    window_end: int
    features: dict[str, Any]


class Letter(NamedTuple):
    """The part of a dead letter that the accounts need: record, feature set, missed windows."""

    source: tuple[str, int, int]
    """Topic, partition and offset of the record."""
    feature_set: str
    """Empty where it is the same for all."""
    reason: str
    missed: tuple[int, ...]
    """Starts of the windows."""


_read_row = msgspec.json.Decoder(Row).decode
_read_missed = msgspec.json.Decoder(tuple[int, ...]).decode


class Accounts:
    """The records that a run has read, and the committed output that it has written."""

    def __init__(self, world: World, end_ms: int, log: Sequence[Record]) -> None:
        """Read the topics of the output to their ends; the job has stopped.

        Args:
            world: Where the topics are.
            end_ms: Event time of the last event of every partition: only its windows are open.
            log: What the job has read.
        """
        self._settings = Settings.load(world.environment())
        self._last_watermark_ms = end_ms - self._settings.bound_ms - 1
        # By the log: a topic that was created anew since has fewer partitions than it had.
        places = {(record.topic, record.partition) for record in log}
        self._last_events = Counter(topic for topic, _ in places)
        self.log = log
        self.rows = {
            feature_set.name: list(_records(world, feature_set.target)) for feature_set in CATALOG
        }
        self.letters = list(_records(world, DEAD_LETTER_TOPIC))

    def differences(self, expected: Output) -> Differences:
        """Compare the output in the topics with that of an undisturbed run over the same log."""
        return self._unlike(expected).plus(self.unaccounted())

    def _unlike(self, expected: Output) -> Differences:
        """Compare rows and dead letters byte for byte."""
        found = compare(
            ((letter.key, image(letter)) for letter in expected.letters),
            ((record.key, (record.value, tuple(record.headers))) for record in self.letters),
        )
        for name, records in self.rows.items():
            rows = (
                (_identity(row), encode_row(row))
                for row in expected.rows
                if row.feature_set == name
            )
            mine = ((_identity(_read_row(record.value)), record.value) for record in records)
            found = found.plus(compare(rows, mine))
        return found

    def unaccounted(self) -> Differences:
        """Compare the windows' counts with the log and with this run's own dead letters.

        An event is in every window that holds it, but for those that its dead letter names. This
        asks nothing of the verdicts: whatever they are, no event may vanish, and none count twice.
        """
        found = Differences()
        for feature_set in (FRAUD, PERSONALIZATION):
            implied, counted = self._implied(feature_set), self._counted(feature_set)
            more = Differences(
                lost=(implied - counted).total(), counted_twice=(counted - implied).total()
            )
            found = found.plus(more)
        return found

    def ledger(self, feature_set: FeatureSet) -> tuple[int, int]:
        """Return K x accepted - missed windows, and the sum of the windows' counts.

        K is in how many windows an event is. The last event of every partition is left out: its
        windows are still open.
        """
        consumed = sum(record.topic == feature_set.source for record in self.log)
        consumed -= self._last_events[feature_set.source]
        letters = self._letters_of(feature_set)
        accepted = consumed - sum(letter.reason != "partial_late" for letter in letters)
        missed = sum(len(letter.missed) for letter in letters if letter.reason == "partial_late")
        windows = 1 if feature_set is SESSION else self._windows.overlap
        return windows * accepted - missed, self._counted(feature_set).total()

    @property
    def _windows(self) -> SlidingWindows:
        return SlidingWindows(self._settings.size_ms, self._settings.slide_ms)

    def _letters_of(self, feature_set: FeatureSet) -> list[Letter]:
        letters = map(letter_of, self.letters)
        mine = ("", feature_set.name)
        return [
            each
            for each in letters
            if each.source[0] == feature_set.source and each.feature_set in mine
        ]

    def _counted(self, feature_set: FeatureSet) -> Windows:
        """Return the counts that the rows hold, by window."""
        counted: Windows = Counter()
        for record in self.rows[feature_set.name]:
            row = _read_row(record.value)
            counted[row.key, row.window_start] += row.features[COUNTS[feature_set.name]]
        return counted

    def _implied(self, feature_set: FeatureSet) -> Windows:
        """Return the counts that the log, less the dead letters, gives to each window."""
        letters = {letter.source: letter for letter in self._letters_of(feature_set)}
        decode, windows = EventDecoder(feature_set.source).decode, self._windows
        implied: Windows = Counter()
        for record in self.log:
            if record.topic != feature_set.source:
                continue
            letter = letters.get((record.topic, record.partition, record.offset))
            if letter is not None and letter.reason in ("malformed", "future_timestamp"):
                continue
            try:
                event = decode(record.key, record.value)
            except Malformed:  # and no dead letter says so: `missing` counts that
                continue
            missed = () if letter is None else letter.missed
            for window in windows.assign(event.event_time):
                if window.start_ms not in missed and is_closed(
                    window.end_ms, self._last_watermark_ms
                ):
                    implied[event.key, window.start_ms] += 1
        return implied


def compare(
    expected: Iterable[tuple[Hashable, Hashable]], found: Iterable[tuple[Hashable, Hashable]]
) -> Differences:
    """Compare what was found, in any order, with what must be there, each of it once.

    Two contents may have one name: a key in two partitions has two rows of one window.

    >>> there = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("d", 5)]
    >>> compare(there, [("a", 1), ("a", 1), ("b", 0), ("d", 5), ("x", 9)])
    Differences(missing=2, surplus=1, twice=1, other=1, stored=0, lost=0, counted_twice=0)
    """
    wanted, contents = _by_name(expected), _by_name(found)
    differences = Differences(surplus=len(contents.keys() - wanted.keys()))
    for name, ours in wanted.items():
        theirs = contents.get(name, Counter())
        if theirs == ours:
            continue
        other = len(theirs.keys() - ours.keys())
        differences = differences.plus(
            Differences(
                missing=max((ours - theirs).total() - other, 0),
                twice=sum(max(theirs[content] - ours[content], 0) for content in ours),
                other=other,
            )
        )
    return differences


def _by_name(pairs: Iterable[tuple[Hashable, Hashable]]) -> dict[Hashable, Counter[Hashable]]:
    contents: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for name, content in pairs:
        contents[name][content] += 1
    return contents


def wrongly_stored(world: World, rows: list[FeatureRow]) -> int:
    """Return how many hashes of the store are not what one write of `rows` leaves."""
    found, stored = hashes(world.redis()), world.stored_by(rows)
    return sum(found.get(key) != stored.get(key) for key in found.keys() | stored.keys())


def _records(world: World, *topics: str) -> Iterator[Record]:
    for records in world.read(topics).values():
        yield from records


def _identity(row: Row | FeatureRow) -> tuple[str, int, int]:
    return row.key, row.window_start, row.window_end


def letter_of(record: Any) -> Letter:
    """Read a record of the dead-letter topic."""
    topic, partition, offset, feature_set = record.key.decode().split("/")
    headers = dict(record.headers)
    missed = _read_missed(headers["missed_windows"]) if headers["missed_windows"] else ()
    source = topic, int(partition), int(offset)
    return Letter(source, feature_set, headers["reason"].decode(), missed)
