"""A profile of any stream of JSON events: how far out of order, how skewed, how silent.

A watermark's bound and an idle timeout are guesses until somebody has looked. This looks, with the
rules of the engine: an event is behind the watermark when it is more than the bound older than the
newest event of its partition before it.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, decode_line
from flink_jobs.errors import ForeseenError
from flink_jobs.events import Record

MAX_KEYS: Final = 200_000
"""How many keys are counted; a record of one more belongs to the stream, and to none of them."""
MAX_FUTURE_MS: Final = Settings().max_future_ms
"""The limit of the system's own guard: one event in the future would make all others late."""
SHARES: Final = (0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
"""The shares of events for which the smallest bound is told."""
KEPT: Final = 0.999
"""The share that the suggested bound keeps."""
TIMEOUTS_MS: Final = (1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000)


class ProfileError(ForeseenError):
    """A stream that cannot be profiled. The text is one sentence that says why."""


class BoundCost(Struct, frozen=True):
    """What a bound costs: every result comes `bound_ms` later, and `late` events miss windows."""

    bound_ms: int
    late: int


class TimeoutCost(Struct, frozen=True):
    """How often a partition would have counted as idle, and then woken."""

    timeout_ms: int
    spells: int


class PartitionProfile(Struct, frozen=True):
    """The profile of one partition. Times are epoch milliseconds."""

    partition: str
    """The partition's topic and number."""
    records: int
    newest_event: int | None
    longest_silence_ms: int | None
    """The longest time between two records, by append time; None without append times."""
    silent_at_end_ms: int | None
    """The time from the partition's last record to the last record of all."""


class Profile(Struct, frozen=True, kw_only=True):
    """The profile of a stream: disorder, skew and silences, and the settings that follow."""

    records: int
    events: int
    unreadable: dict[str, int]
    """Records that are no events with a time that may count, by what they have instead."""
    unit: str
    """What the numbers of the time field were taken for."""
    bounds: list[BoundCost]
    suggested_bound: BoundCost
    delays_ms: dict[str, int] | None
    """From event time to append time: the median, 99 % and largest; None without append times."""
    ahead: int
    """Events whose time lies after their append time."""
    keys: int
    hottest: list[tuple[str, int]]
    partitions: list[PartitionProfile]
    timeouts: list[TimeoutCost]
    suggested_timeout_ms: int | None
    """None where nothing was silent long enough to choose by, or without append times."""
    lags: dict[int, int]
    """How many events were so many milliseconds behind, rounded up to three digits."""


class _Partition:
    def __init__(self) -> None:
        self.records = 0
        self.newest_event: int | None = None
        self.last_append: int | None = None
        self.silences: Counter[int] = Counter()


class Profiler:
    """Looks at records, one by one, in memory that does not grow with their number."""

    def __init__(
        self,
        time_field: str,
        key_field: str | None,
        *,
        has_appends: bool = True,
        max_future_ms: int = MAX_FUTURE_MS,
    ) -> None:
        """Begin before the first record.

        Args:
            time_field: Where the event time stands; `a.b` is the field `b` inside of `a`.
            key_field: Where the key stands; None takes the record's key.
            has_appends: Whether records tell when they were appended.
            max_future_ms: How far an event may be ahead of its append time, or of the clock on
                the wall where there is none. What is further ahead moves no watermark.
        """
        self._max_future_ms = max_future_ms
        self._now_ms = time.time_ns() // 1_000_000
        self._time_path = time_field.split(".")
        self._key_path = key_field.split(".") if key_field else None
        self._has_appends = has_appends
        self._records = self._events = self._ahead = 0
        self._unreadable: Counter[str] = Counter()
        self._units: Counter[str] = Counter()
        self._lags: Counter[int] = Counter()
        self._delays: Counter[int] = Counter()
        self._keys: Counter[str] = Counter()
        self._partitions: dict[str, _Partition] = {}
        self._first_fields: list[str] | None = None

    def look(self, record: Record) -> None:
        """Take the next record of its partition."""
        self._records += 1
        partition = self._partitions.setdefault(f"{record.topic}/{record.partition}", _Partition())
        partition.records += 1
        if self._has_appends:
            _note_append(partition, record.timestamp)
        event = self._decoded(record.value)
        if event is None:
            return
        event_ms = self._time_of(event)
        if event_ms is None:
            return
        latest_ms = record.timestamp if self._has_appends else self._now_ms
        if event_ms > latest_ms + self._max_future_ms:
            self._unreadable["a time too far in the future"] += 1
            return
        self._events += 1
        newest = partition.newest_event
        self._lags[rounded_up(max(0, (newest or event_ms) - event_ms))] += 1
        partition.newest_event = event_ms if newest is None else max(newest, event_ms)
        if self._has_appends:
            self._delays[rounded_up(max(0, record.timestamp - event_ms))] += 1
            self._ahead += event_ms > record.timestamp
        self._note_key(event, record.key)

    def profile(self, kept: float = KEPT) -> Profile:
        """Return the profile so far; the suggested bound keeps the share `kept` of the events.

        Raises:
            ProfileError: No record was an event with a time.
        """
        if not self._events:
            raise ProfileError(self._nothing())
        bounds = [self._bound(share) for share in SHARES]
        timeouts = self._timeouts() if self._has_appends and len(self._partitions) > 1 else []
        return Profile(
            records=self._records,
            events=self._events,
            unreadable=dict(self._unreadable),
            unit=self._units.most_common(1)[0][0],
            bounds=list(dict.fromkeys(bounds)),
            suggested_bound=self._bound(kept),
            delays_ms=self._delay_shares() if self._has_appends else None,
            ahead=self._ahead,
            keys=len(self._keys),
            hottest=self._keys.most_common(5),
            partitions=self._partition_profiles(),
            timeouts=timeouts,
            suggested_timeout_ms=next((t.timeout_ms for t in timeouts if t.spells == 0), None),
            lags=dict(sorted(self._lags.items())),
        )

    def late(self, bound_ms: int) -> int:
        """Return how many events are behind the watermark of a bound."""
        return sum(count for lag_ms, count in self._lags.items() if lag_ms > bound_ms)

    def _bound(self, share: float) -> BoundCost:
        bound_ms = quantile(self._lags, share)
        return BoundCost(bound_ms, self.late(bound_ms))

    def _decoded(self, value: bytes | None) -> Any:  # noqa: ANN401
        try:
            event = msgspec.json.decode(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._unreadable["no JSON"] += 1
            return None
        if not isinstance(event, dict):
            self._unreadable["no JSON object"] += 1
            return None
        if self._first_fields is None:
            self._first_fields = list(event)[:20]
        return event

    def _time_of(self, event: Mapping[str, Any]) -> int | None:
        value = _at(event, self._time_path)
        found = epoch_ms(value)
        if found is None:
            missing = "no time field" if value is None else "a time that is none"
            self._unreadable[missing] += 1
            return None
        self._units[found[1]] += 1
        return found[0]

    def _note_key(self, event: Mapping[str, Any], record_key: bytes | None) -> None:
        if self._key_path is None:
            key = (record_key or b"").decode(errors="replace")
        else:
            key = str(_at(event, self._key_path))
        if key in self._keys or len(self._keys) < MAX_KEYS:
            self._keys[key] += 1

    def _delay_shares(self) -> dict[str, int]:
        return {
            "median": quantile(self._delays, 0.5),
            "99 %": quantile(self._delays, 0.99),
            "largest": quantile(self._delays, 1.0),
        }

    def _partition_profiles(self) -> list[PartitionProfile]:
        last = max((p.last_append or 0 for p in self._partitions.values()), default=0)
        return [
            PartitionProfile(
                partition=number,
                records=partition.records,
                newest_event=partition.newest_event,
                longest_silence_ms=(
                    max(partition.silences, default=0) if self._has_appends else None
                ),
                silent_at_end_ms=last - (partition.last_append or 0) if self._has_appends else None,
            )
            for number, partition in sorted(self._partitions.items())
        ]

    def _timeouts(self) -> list[TimeoutCost]:
        """Return how many silences each timeout would have taken for idleness.

        The silence at a partition's end is not counted: it may be what the timeout is for.
        """
        silences: Counter[int] = Counter()
        for partition in self._partitions.values():
            silences.update(partition.silences)
        return [
            TimeoutCost(timeout, sum(n for gap, n in silences.items() if gap >= timeout))
            for timeout in TIMEOUTS_MS
        ]

    def _nothing(self) -> str:
        if not self._records:
            return "the stream is empty: nothing to profile"
        field = ".".join(self._time_path)
        if self._first_fields is None:
            return f"none of {self._records} records is a JSON object: look at their format"
        names = ", ".join(self._first_fields)
        return (
            f"no record has a time in the field {field!r}: the first has the fields {names}; "
            "name one of them with --time"
        )


def epoch_ms(value: object) -> tuple[int, str] | None:
    """Return a time as epoch milliseconds, and what it was taken for; None where it is no time.

    The size of a number tells its unit: seconds until the year 5138, and so on by thousands.

    >>> epoch_ms(1_700_000_000), epoch_ms("2023-11-14T22:13:20Z")
    ((1700000000000, 'seconds'), (1700000000000, 'ISO 8601'))
    >>> epoch_ms(1_700_000_000_000), epoch_ms("soon")
    ((1700000000000, 'milliseconds'), None)
    """
    if isinstance(value, str):
        if value.isascii() and value.isdigit():
            return epoch_ms(int(value))
        try:
            parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
        zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
        return round(zoned.timestamp() * 1_000), "ISO 8601"
    # JSON's true is a number to Python, and would be the first second of 1970.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    for limit, unit, factor in (
        (1e11, "seconds", 1_000.0),
        (1e14, "milliseconds", 1.0),
        (1e17, "microseconds", 1e-3),
        (1e20, "nanoseconds", 1e-6),
    ):
        if 0 <= value < limit:
            return (value if factor == 1 and isinstance(value, int) else int(value * factor)), unit
    return None


def rounded_up(number: int) -> int:
    """Return `number`, rounded up to three digits.

    So a bound that is itself such a number is exact: what is within it stays within it.

    >>> rounded_up(999), rounded_up(12_301), rounded_up(12_400)
    (999, 12400, 12400)
    """
    if number < 1_000:
        return number
    unit: int = 10 ** (len(str(number)) - 3)
    return -(-number // unit) * unit


def quantile(counts: Mapping[int, int], share: float) -> int:
    """Return the smallest number that at least `share` of all do not exceed; 0 without any."""
    needed = math.ceil(share * sum(counts.values()))
    passed = 0
    for number, count in sorted(counts.items()):
        passed += count
        if passed >= needed:
            return number
    return 0


def read_events(path: Path) -> Iterator[tuple[LogRecord, bool]]:
    """Yield the records of a file, each with whether it has an append time.

    A line is a record of a log file, or any JSON event, which then is in partition 0.

    Raises:
        ProfileError: The file cannot be opened.
    """
    try:
        with path.open("rb") as lines:
            for offset, line in enumerate(lines):
                try:
                    yield decode_line(line), True
                except ValueError:
                    yield LogRecord(path.name, 0, offset, 0, None, line.strip()), False
    except OSError as error:
        raise ProfileError(f"cannot read {path} ({error.strerror}): name another file") from None


def profile_file(path: Path, time_field: str, key_field: str | None, kept: float = KEPT) -> Profile:
    """Return the profile of a file of JSON lines; the arguments are those of `Profiler`.

    Raises:
        ProfileError: The file cannot be read, or holds no event with a time.
    """
    profiler: Profiler | None = None
    for record, has_append in read_events(path):
        if profiler is None:  # the first line tells what all are
            profiler = Profiler(time_field, key_field, has_appends=has_append)
        profiler.look(record)
    if profiler is None:
        raise ProfileError(f"{path} is empty: nothing to profile")
    return profiler.profile(kept)


def profile_records(
    batches: Iterable[Iterable[Record]],
    time_field: str,
    key_field: str | None,
    kept: float = KEPT,
) -> Profile:
    """Return the profile of a topic's records.

    Raises:
        ProfileError: There is no event with a time among them.
    """
    profiler = Profiler(time_field, key_field)
    for batch in batches:
        for record in batch:
            profiler.look(record)
    return profiler.profile(kept)


def _note_append(partition: _Partition, append_ms: int) -> None:
    if partition.last_append is not None:
        partition.silences[rounded_up(max(0, append_ms - partition.last_append))] += 1
    partition.last_append = max(append_ms, partition.last_append or append_ms)


def _at(event: Any, path: Iterable[str]) -> Any:  # noqa: ANN401
    for name in path:
        if not isinstance(event, dict) or name not in event:
            return None
        event = event[name]
    return event
