"""An explanation: why a feature row is what it is, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.engine.windows import SlidingWindows, is_closed, is_purged
from flink_jobs.errors import ForeseenError
from flink_jobs.features.catalog import FeatureSet
from flink_jobs.features.clickstream import SESSION_GAP_MS
from flink_jobs.features.row import SCHEMA_VERSION
from flink_jobs.inspection.trail import FiredRow, KeyRecord, Trail
from flink_jobs.utils.watermarks import MIN_WATERMARK

Why: TypeAlias = Literal[
    "late",
    "partial_late",
    "malformed",
    "future_timestamp",
    "other_partition",
    "outside",
    "after",
]
"""Why a record of the key is not in the row. `after`: the event came after this revision of the row
had fired, and is in a later revision."""

State: TypeAlias = Literal["open", "fired", "closed"]


class InquiryError(ForeseenError):
    """A question without an answer. The text is one sentence: why, and what to ask instead."""


class Omission(Struct, frozen=True):
    """A record of the key that the row does not count."""

    why: Why
    record: KeyRecord


class Explanation(Struct, frozen=True, kw_only=True):
    """A row as the log explains it. Times are epoch milliseconds, windows `[start, end)`."""

    feature_set: str
    key: str
    topic: str
    partition: int
    window_start: int
    window_end: int
    revision: int | None
    """The revision of the row; None where the window has not fired."""
    features: dict[str, Any] | None
    fired_at_offset: int | None
    fired_at_watermark: int | None
    counted: list[KeyRecord]
    missing: list[Omission]
    state: State
    """`open`: has not fired; `fired`: still takes late events; `closed`: takes no more events."""
    watermark: int | None
    """The partition's watermark after the last record read; None before the first event."""
    next_offset: int
    fires_at_event_time: int
    """An event at or after this time makes an open window fire."""
    next_window_end: int | None
    """The next row of the key; None where none of its events is in a later window."""
    next_count: int
    """How many events of the key the next row's window has so far."""
    unknown: list[str]
    """Sentences about what the log cannot tell, because a part of it is gone."""


def expected_hash(explanation: Explanation) -> dict[str, Any]:
    """Return what the feature store has to hold of a row: fields and values, no nulls."""
    features = msgspec.json.decode(msgspec.json.encode(explanation.features))
    return {
        "window_end": explanation.window_end,
        "revision": explanation.revision,
        "window_start": explanation.window_start,
        "schema_version": SCHEMA_VERSION,
        **{name: value for name, value in features.items() if value is not None},
    }


def differences(stored: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the fields that differ, each with the stored and the expected value."""
    return {
        name: [stored.get(name), expected.get(name)]
        for name in sorted({*stored, *expected})
        if stored.get(name) != expected.get(name)
    }


def explain(
    trails: Iterable[Trail],
    feature_set: FeatureSet,
    settings: Settings,
    key: str,
    window_end: int | None = None,
    revision: int | None = None,
) -> Explanation:
    """Explain one row of a key.

    Where the key is in several partitions, the row that the store prefers is explained: the one
    with the greatest window end, revision and count.

    Args:
        trails: The key's trails through the partitions, read to their ends.
        feature_set: Whose rows they are.
        settings: Those that the trails were followed with.
        key: The entity.
        window_end: The row's window; None for the newest that has fired.
        revision: Which of its editions; None for the newest.

    Raises:
        InquiryError: The key has no record, or no such window.
    """
    known = [trail for trail in trails if trail.count or trail.malformed]
    if not known:
        raise InquiryError(
            f"topic {feature_set.source} has no record of {key!r}: look at the key's spelling"
        )
    candidates = [
        (trail, fired)
        for trail in known
        for fired in _fired(trail, window_end)
        if revision in (None, fired.row.revision)
    ]
    trail, fired = max(candidates, key=_preference, default=(known[0], None))
    if fired is not None:
        window = fired.row.window_start, fired.row.window_end
    else:
        if revision is not None:
            raise InquiryError(f"that window has no revision {revision}: leave the revision out")
        trail, window = _unfired(known, feature_set, settings, key, window_end)
    others = [other for other in known if other is not trail]
    return _explanation(trail, others, feature_set, settings, key, window, fired)


def _fired(trail: Trail, window_end: int | None) -> Sequence[FiredRow]:
    if window_end is not None:
        return trail.rows.get(window_end, ())
    return () if trail.newest is None else (trail.newest,)


def _preference(candidate: tuple[Trail, FiredRow]) -> tuple[int, int, int]:
    row = candidate[1].row
    count = getattr(row.features, row.features.__struct_fields__[0])
    return row.window_end, row.revision, count


def _unfired(
    trails: Sequence[Trail],
    feature_set: FeatureSet,
    settings: Settings,
    key: str,
    window_end: int | None,
) -> tuple[Trail, tuple[int, int]]:
    """Return the window that was asked about and has no row, and its partition."""
    session = feature_set.margin_ms is not None
    if session:
        raise InquiryError(_no_session(trails, key, window_end))
    windows = SlidingWindows(settings.size_ms, settings.slide_ms)
    if window_end is None:
        pending = [
            (windows.pane_start(record.event_time) + windows.slide_ms, number)
            for number, trail in enumerate(trails)
            for record in trail.records
            if record.event_time is not None and _starts(record, windows)
        ]
        if not pending:
            raise InquiryError(
                f"no event of {key!r} was accepted, so it has no window: `study letters` shows "
                "its dead letters"
            )
        window_end, number = min(pending)
        return trails[number], (window_end - windows.size_ms, window_end)
    if windows.pane_start(window_end) != window_end:
        before = windows.pane_start(window_end)
        raise InquiryError(
            f"no window ends at {window_end}: ask for {before} or {before + windows.slide_ms}"
        )
    return trails[0], (window_end - windows.size_ms, window_end)


def _no_session(trails: Sequence[Trail], key: str, window_end: int | None) -> str:
    ends = [trail.newest.row.window_end for trail in trails if trail.newest is not None]
    waiting = sum(
        record.verdict == "accepted"
        and record.event_time is not None
        and record.event_time + SESSION_GAP_MS > trail.clock.watermark_ms
        for trail in trails
        for record in trail.records
    )
    asked = "has fired" if window_end is None else f"ends at {window_end}"
    newest = f"; its newest ended at {max(ends)}" if ends else ""
    return (
        f"no session of {key!r} {asked}{newest}: {waiting} of its events wait for the end of "
        "theirs, which comes 30 minutes after the last of them"
    )


def _starts(record: KeyRecord, windows: SlidingWindows) -> list[int]:
    """Return the starts of the windows that count an event."""
    if record.event_time is None or not _is_in_some_window(record):
        return []
    assigned = windows.assign(record.event_time)
    return [window.start_ms for window in assigned if window.start_ms not in record.missed_windows]


def _explanation(
    trail: Trail,
    others: Sequence[Trail],
    feature_set: FeatureSet,
    settings: Settings,
    key: str,
    window: tuple[int, int],
    fired: FiredRow | None,
) -> Explanation:
    start_ms, end_ms = window
    session = feature_set.margin_ms is not None
    lateness_ms = 0 if session else settings.lateness_ms
    watermark_ms = trail.clock.watermark_ms
    counted, missing = _sorted_out(trail, others, window, fired, session)
    later_end, later_count = (None, 0) if session else _next_row(trail, settings, end_ms)
    state: State = "open"
    if is_closed(end_ms, watermark_ms):
        state = "closed" if is_purged(end_ms, watermark_ms, lateness_ms) else "fired"
    return Explanation(
        feature_set=feature_set.name,
        key=key,
        topic=feature_set.source,
        partition=trail.number,
        window_start=start_ms,
        window_end=end_ms,
        revision=None if fired is None else fired.row.revision,
        features=None if fired is None else msgspec.to_builtins(fired.row.features),
        fired_at_offset=None if fired is None else fired.offset,
        fired_at_watermark=None if fired is None else fired.watermark,
        counted=counted,
        missing=missing,
        state=state,
        watermark=None if watermark_ms == MIN_WATERMARK else watermark_ms,
        next_offset=trail.next_offset,
        fires_at_event_time=end_ms + settings.bound_ms,
        next_window_end=later_end,
        next_count=later_count,
        unknown=_unknown(trail, start_ms - (SESSION_GAP_MS if session else 0), settings),
    )


def _sorted_out(
    trail: Trail,
    others: Sequence[Trail],
    window: tuple[int, int],
    fired: FiredRow | None,
    session: bool,
) -> tuple[list[KeyRecord], list[Omission]]:
    """Return the records that a row counts, by offset, and those that it does not."""
    start_ms, end_ms = window
    until = None if fired is None else fired.offset
    counted, missing = [], []
    gap_ms = SESSION_GAP_MS if session else 0  # a late event may have touched the session
    for record in trail.between(start_ms - gap_ms, end_ms):
        why = _why_not(record, start_ms, until)
        if why is None:
            counted.append(record)
        elif why != "outside":
            missing.append(Omission(why, record))
    missing += [
        Omission("malformed", record)
        for record in trail.malformed
        if record.appended >= start_ms and (until is None or record.offset <= until)
    ]
    missing += [Omission("outside", record) for record in _neighbours(trail, window)]
    missing += [
        Omission("other_partition", record)
        for other in others
        for record in other.between(start_ms, end_ms)
    ]
    counted.sort(key=lambda record: record.offset)
    missing.sort(key=lambda found: (found.record.partition, found.record.offset))
    return counted, missing


def _why_not(record: KeyRecord, start_ms: int, until: int | None) -> Why | None:
    """Return why an event before the window's end is not in the row; None where it is."""
    if record.verdict == "late":
        return "late"
    if record.verdict == "future_timestamp":
        return "future_timestamp"
    if record.event_time is None or record.event_time < start_ms:
        return "outside"
    if start_ms in record.missed_windows:
        return "partial_late"
    if until is not None and record.offset > until:
        return "after"
    return None


def _neighbours(trail: Trail, window: tuple[int, int]) -> list[KeyRecord]:
    """Return the accepted events that are the nearest before the window and after it."""
    start_ms, end_ms = window
    near_ms = trail.context_ms
    before = [r for r in trail.between(start_ms - near_ms, start_ms) if _is_in_some_window(r)]
    after = [r for r in trail.between(end_ms, end_ms + near_ms) if _is_in_some_window(r)]
    return before[-1:] + after[:1]


def _is_in_some_window(record: KeyRecord) -> bool:
    return record.verdict in ("accepted", "partial_late")


def _next_row(trail: Trail, settings: Settings, end_ms: int) -> tuple[int | None, int]:
    """Return the end of the key's next window with an event, and how many it has so far."""
    windows = SlidingWindows(settings.size_ms, settings.slide_ms)
    first_ms = end_ms + windows.slide_ms - windows.size_ms
    starts: list[int] = []
    for record in trail.since(first_ms):
        if starts and windows.pane_start(record.event_time or 0) > min(starts) + windows.size_ms:
            break
        starts += [start for start in _starts(record, windows) if start >= first_ms]
    if not starts:
        return None, 0
    return min(starts) + windows.size_ms, starts.count(min(starts))


def _unknown(trail: Trail, start_ms: int, settings: Settings) -> list[str]:
    """Say what cannot be known of a window from `start_ms`, because the log begins too late.

    A record that is gone was appended no later than the first that is left, and an event is at most
    MAX_FUTURE_SECONDS ahead of its append time: windows behind both are whole.
    """
    first: Any = trail.first
    if first is None or first.offset == 0 or start_ms > first.timestamp + settings.max_future_ms:
        return []
    return [
        f"{first.topic}/{trail.number} begins at offset {first.offset}: what came before it is "
        f"deleted, may have been in this window, and may have moved the watermark further"
    ]
