"""A feature, served and recomputed: what a reader got, and what the whole log says of it.

The payments go through the development processor's partition. Its rows go into a store that keeps
the rules of the real one: the greatest `(window_end, revision)` stays, and a write sets the time to
live anew, on the clock on the wall.

>>> run = serve(CARD_STORY, "c7")
>>> reading = run.at(210_000)
>>> reading.served, reading.recomputed, reading.skew
(2, 5, Skew(late=1, ttl=0, revision=0, race=2))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import TRANSACTIONS, Transaction
from flink_jobs.features.catalog import FRAUD
from flink_jobs.features.transactions import FraudFeatures
from flink_jobs.processor.partition import Partition
from flink_jobs.simulator.golden import START_MS

LATER_MS: Final = 2**53
"""After the end of every story."""


class Payment(Struct, frozen=True):
    """A payment of a card. Both times are milliseconds since the story's start."""

    card: str
    event_ms: int
    arrives_ms: int


class Write(Struct, frozen=True):
    """A row of the card as the store holds it. Times are milliseconds since the story's start.

    Attributes:
        told_ms: When the window fired.
        visible_ms: From when on a reader sees the row.
        gone_ms: From when on it has expired, if no other row is written.
        window_end: The end of its window, which is outside.
        revision: 0 for the window's first firing.
        value: The payments that it counts.
    """

    told_ms: int
    visible_ms: int
    gone_ms: int
    window_end: int
    revision: int
    value: int

    @property
    def order(self) -> tuple[int, int]:
        """What the store compares: a row with a greater one replaces it."""
        return self.window_end, self.revision


class Skew(NamedTuple):
    """What separates the recomputed value from the served one, by cause. The parts add up to it.

    Attributes:
        late: Payments of the window that no row of it ever counted.
        ttl: The row had expired although it was the newest, or outlived its window.
        revision: Counted by a correction that came after the reader.
        race: The reader came before the first row of the window.
    """

    late: int
    ttl: int
    revision: int
    race: int


class FeatureReading(Struct, frozen=True):
    """What a reader gets at a moment, and what is computed for that moment from the whole log.

    Attributes:
        at_ms: When it was read.
        row: What the store held; None for nothing, which counts as 0.
        window_end: The end of the newest window that was over.
        recomputed: The payments of that window in the whole log.
        skew: Why the two differ.
    """

    at_ms: int
    row: Write | None
    window_end: int
    recomputed: int
    skew: Skew

    @property
    def served(self) -> int:
        """The value that the reader got."""
        return self.row.value if self.row else 0

    @property
    def gap(self) -> int:
        """Recomputed - served."""
        return self.recomputed - self.served


class Serving(Struct, frozen=True):
    """A card's feature through a story: every moment at which one of the two values may change."""

    card: str
    payments: tuple[Payment, ...]
    """Of this card, in their order of arrival."""
    writes: tuple[Write, ...]
    size_ms: int
    slide_ms: int
    readings: tuple[FeatureReading, ...]

    def at(self, at_ms: int) -> FeatureReading:
        """Return what is read at any moment."""
        return _read(self.payments, self.writes, self.size_ms, self.slide_ms, at_ms)


CARD_STORY: Final = (
    *(Payment("c7", event * 1_000, arrives * 1_000) for event, arrives in
      ((70, 71), (100, 101), (130, 131), (155, 182), (172, 282), (225, 226))),
    *(Payment("others", second * 1_000, second * 1_000) for second in range(0, 901, 20)),
)  # fmt: skip
"""Six payments of card c7, of which #6 arrives 110 s after it happened; others pay every 20 s."""


def serve(
    payments: Iterable[Payment],
    card: str,
    settings: Settings = Settings(allowed_lateness_seconds=60),  # noqa: B008 - it is frozen
    *,
    write_ms: int = 2_000,
    ttl_ms: int | None = None,
) -> Serving:
    """Send payments through the processor, and read the feature `tx_count` of a card all along.

    Args:
        payments: In any order; they are read as they arrive.
        card: Whose feature is served.
        settings: Windows, bound and lateness.
        write_ms: How long it takes until a row that has been told can be read.
        ttl_ms: How long the store keeps a row; what the feature set says if None.
    """
    arrivals = sorted(payments, key=lambda payment: payment.arrives_ms)
    ttl_ms = FRAUD.ttl_ms(settings) if ttl_ms is None else ttl_ms
    partition = Partition(TRANSACTIONS, settings)
    told = [
        (payment.arrives_ms, partition.process([_record(offset, payment)]).rows)
        for offset, payment in enumerate(arrivals)
    ]
    told.append((LATER_MS, partition.finish().rows))  # what is still open fires after the story
    writes = [
        Write(
            told_ms, told_ms + write_ms, told_ms + write_ms + ttl_ms, row.window_end - START_MS,
            row.revision, row.features.tx_count,
        )
        for told_ms, rows in told
        for row in rows
        if row.key == card and isinstance(row.features, FraudFeatures)
    ]  # fmt: skip
    mine = tuple(payment for payment in arrivals if payment.card == card)
    last_ms = arrivals[-1].arrives_ms if arrivals else 0
    moments = {0, *range(0, last_ms + 1, settings.slide_ms)}
    moments |= {payment.arrives_ms for payment in mine}
    moments |= {at_ms for row in writes for at_ms in (row.visible_ms, row.gone_ms)}
    arrived = {payment.arrives_ms for payment in mine}
    readings: list[FeatureReading] = []
    for at_ms in sorted(moment for moment in moments if moment <= last_ms):
        now = _read(mine, writes, settings.size_ms, settings.slide_ms, at_ms)
        if not readings or at_ms in arrived or _differ(readings[-1], now):
            readings.append(now)
    return Serving(card, mine, tuple(writes), settings.size_ms, settings.slide_ms, tuple(readings))


def _differ(before: FeatureReading, now: FeatureReading) -> bool:
    return (before.row, before.window_end) != (now.row, now.window_end)


def _record(offset: int, payment: Payment) -> LogRecord:
    value = Transaction(
        f"e{offset}", payment.card, "m", 100, "DE", 52.5, 13.4, START_MS + payment.event_ms
    )
    timestamp = START_MS + payment.arrives_ms
    key = payment.card.encode()
    return LogRecord(TRANSACTIONS, 0, offset, timestamp, key, msgspec.json.encode(value))


def _read(
    payments: Sequence[Payment], writes: Sequence[Write], size_ms: int, slide_ms: int, at_ms: int
) -> FeatureReading:
    end_ms = at_ms // slide_ms * slide_ms
    truth = sum(end_ms - size_ms <= payment.event_ms < end_ms for payment in payments)
    seen = [row for row in writes if row.visible_ms <= at_ms]
    row = stored(writes, at_ms)
    rows = [row for row in writes if row.window_end == end_ms]
    return FeatureReading(at_ms, row, end_ms, truth, split(row, seen, rows, truth))


def stored(writes: Iterable[Write], at_ms: int) -> Write | None:
    """Return the row that a store holds after writes, at a moment; None where there is none.

    The guard's memory is the row itself: once that has expired, an older one is taken.
    """
    held: Write | None = None
    for row in sorted(writes, key=lambda row: row.visible_ms):
        if row.visible_ms > at_ms:
            break
        if held is None or held.gone_ms <= row.visible_ms or row.order > held.order:
            held = row
    return held if held and at_ms < held.gone_ms else None


def split(
    served: Write | None, seen: Sequence[Write], rows: Sequence[Write], recomputed: int
) -> Skew:
    """Split the difference between the recomputed value and the served one by its causes.

    One cause after the other is taken away: first the time to live, then the wait for the first
    row, then the wait for the last one. What is left was in no row at all.

    Args:
        served: The row that was read; None for nothing.
        seen: All rows that had been written by then.
        rows: All rows of the window that training takes, also those told later.
        recomputed: The value of that window in the whole log.
    """
    value = served.value if served else 0
    if not rows:  # a window without a row: whatever was read is of another one
        return Skew(late=recomputed, ttl=-value, revision=0, race=0)
    ordered = sorted(rows, key=lambda row: row.order)
    newest = max(seen, key=lambda row: row.order, default=None)
    kept = newest.value if newest else 0
    is_of_window = newest is not None and newest.window_end == ordered[0].window_end
    reached = kept if is_of_window else ordered[0].value
    last = ordered[-1].value
    return Skew(recomputed - last, kept - value, last - reached, reached - kept)


class Meter(NamedTuple):
    """What a skew meter shows: how many reads it logged, how many differ, and how many by cause."""

    reads: int
    differ: int
    by_cause: Skew


def meter(readings: Iterable[FeatureReading]) -> Meter:
    """Count the reads whose value differs from the recomputed one, by the causes that took part.

    A read may have several causes. Parts that cancel each other are counted all the same: the value
    is then right by luck.
    """
    logged = list(readings)
    causes = range(len(Skew._fields))
    by_cause = Skew(*(sum(reading.skew[cause] != 0 for reading in logged) for cause in causes))
    return Meter(len(logged), sum(reading.gap != 0 for reading in logged), by_cause)
