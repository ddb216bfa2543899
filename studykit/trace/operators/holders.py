"""State over a month: payments that come twice, and three ways to forget which have come.

A holder remembers the keys of payments. `watched` sends one stream through several holders and
notes how many keys each holds, and how many payments each took for new.

>>> payments = [PaymentRecord("p1", 0, 0), PaymentRecord("p2", HOUR_MS, HOUR_MS)]
>>> payments.append(PaymentRecord("p1", 0, 2 * HOUR_MS))
>>> run = watched(payments, {"timer": Timers(DAY_MS)}, every_ms=HOUR_MS)
>>> [moment.held["timer"] for moment in run.moments], run.accepted
([1, 2, 2, 0], {'timer': 2})
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from random import Random
from typing import Final, NamedTuple

from msgspec import Struct

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MONTH_DAYS: Final = 30
BOUND_MS: Final = 60_000
"""The longest delay of a payment that is sent for the first time."""
TWICE: Final = 0.05
"""The share of the payments that are sent again, an hour to four days later."""


class PaymentRecord(NamedTuple):
    """A payment as a job reads it: its key, its event time, and the wall time of the reading."""

    key: str
    event_ms: int
    now_ms: int


def month(a_day: int = 1_000, seed: int = 7) -> list[PaymentRecord]:
    """Return 30 days of payments in their order of arrival; a share of `TWICE` comes twice.

    A copy that would arrive after the 30 days is left out, so that the stream has one end.

    Args:
        a_day: How many different payments a day has.
        seed: The same seed gives the same payments.
    """
    draw = Random(seed)
    payments = []
    for number in range(a_day * MONTH_DAYS):
        event_ms = draw.randrange(MONTH_DAYS * DAY_MS - BOUND_MS)
        now_ms = event_ms + draw.randrange(BOUND_MS)
        payments.append(PaymentRecord(f"pay_{number:08d}", event_ms, now_ms))
        if draw.random() < TWICE:
            again_ms = now_ms + draw.randrange(HOUR_MS, 4 * DAY_MS)
            if again_ms < MONTH_DAYS * DAY_MS:
                payments.append(PaymentRecord(f"pay_{number:08d}", event_ms, again_ms))
    return sorted(payments, key=lambda payment: payment.now_ms)


class Forever:
    """A holder that remembers every key and frees none: exact, and it only grows."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.held: dict[str, int] = {}

    def on_event(self, key: str, event_ms: int, now_ms: int) -> bool:
        """Return whether the key is new to this holder, and remember it."""
        is_new = key not in self.held
        self.held[key] = now_ms
        return is_new

    def on_time(self, watermark_ms: float, now_ms: int) -> None:
        """Free the keys that are due at a watermark and a wall time; this holder frees none."""


class TimeToLive(Forever):
    """A holder that frees a key `keep_ms` of wall time after its last write, as Flink's TTL does.

    A replay reads a month of events in seconds: no key expires then, however old its event is.
    """

    def __init__(self, keep_ms: int) -> None:
        """Free a key `keep_ms` milliseconds of wall time after its last write."""
        super().__init__()
        self.keep_ms = keep_ms

    def on_event(self, key: str, event_ms: int, now_ms: int) -> bool:
        """Return whether the key is new; a key that comes again is written again, and kept anew."""
        self.on_time(-math.inf, now_ms)
        # Remove and insert: `on_time` relies on the dict being in the order of the last writes.
        is_new = self.held.pop(key, None) is None
        self.held[key] = now_ms
        return is_new

    def on_time(self, watermark_ms: float, now_ms: int) -> None:
        """Free every key that was last written `keep_ms` ago or earlier."""
        while self.held:
            oldest = next(iter(self.held))
            if self.held[oldest] + self.keep_ms > now_ms:
                return
            del self.held[oldest]


class Timers(Forever):
    """A holder that frees a key when the watermark reaches the key's timer, as event time asks.

    The timer is a function of the event alone, so a replay frees the same keys as the live run.
    """

    def __init__(self, keep_ms: int) -> None:
        """Set the timer of a key `keep_ms` milliseconds of event time after its event."""
        super().__init__()
        self.keep_ms = keep_ms
        self.timers: list[tuple[int, str]] = []
        self.watermark_ms: float = -math.inf

    def on_event(self, key: str, event_ms: int, now_ms: int) -> bool:
        """Return whether the key is new; a key whose timer is over is refused, not taken as new."""
        due_ms = event_ms + self.keep_ms
        if key in self.held or due_ms <= self.watermark_ms:
            return False
        self.held[key] = due_ms
        heappush(self.timers, (due_ms, key))
        return True

    def on_time(self, watermark_ms: float, now_ms: int) -> None:
        """Free every key whose timer is at or before the watermark."""
        self.watermark_ms = watermark_ms
        while self.timers and self.timers[0][0] <= watermark_ms:
            _, key = heappop(self.timers)
            del self.held[key]


def three_holders(keep_ms: int) -> dict[str, Forever]:
    """Return one holder of each kind, by its name; two of them free keys after `keep_ms`."""
    return {
        "nothing frees": Forever(),
        "time to live": TimeToLive(keep_ms),
        "timer": Timers(keep_ms),
    }


class Sample(Struct, frozen=True):
    """How many keys each holder has at one moment of wall time.

    Attributes:
        now_ms: Wall time, milliseconds since the stream began.
        watermark_ms: The watermark; infinite once the stream has ended.
        held: How many keys each holder has, by its name.
    """

    now_ms: int
    watermark_ms: float
    held: dict[str, int]


class Holdings(Struct, frozen=True):
    """What several holders held along one stream.

    Attributes:
        moments: The holders at intervals of wall time; the last moment follows the end.
        accepted: How many payments each holder took for new.
    """

    moments: tuple[Sample, ...]
    accepted: dict[str, int]


def watched(
    payments: Iterable[PaymentRecord],
    holders: Mapping[str, Forever],
    *,
    every_ms: int = DAY_MS // 2,
) -> Holdings:
    """Send payments to all holders, and note at intervals how many keys each of them holds.

    The last two moments are before and after the end of the stream, where the watermark becomes
    infinite: timers free everything then, and a time to live frees nothing.

    Args:
        payments: The stream, in order of arrival.
        holders: The holders by their names; they are changed.
        every_ms: Wall time between two moments, milliseconds.
    """
    newest_ms = -math.inf
    now_ms = 0
    moments: list[Sample] = []
    accepted = dict.fromkeys(holders, 0)

    def look(watermark_ms: float) -> None:
        for holder in holders.values():
            holder.on_time(watermark_ms, now_ms)
        held = {name: len(holder.held) for name, holder in holders.items()}
        moments.append(Sample(now_ms, watermark_ms, held))

    due_ms = 0
    for payment in payments:
        now_ms = payment.now_ms
        for name, holder in holders.items():
            accepted[name] += holder.on_event(*payment)
        newest_ms = max(newest_ms, payment.event_ms)
        for holder in holders.values():
            holder.on_time(newest_ms - BOUND_MS - 1, now_ms)
        if now_ms >= due_ms:
            look(newest_ms - BOUND_MS - 1)
            due_ms = now_ms - now_ms % every_ms + every_ms
    if not moments or moments[-1].now_ms < now_ms:
        look(newest_ms - BOUND_MS - 1)
    look(math.inf)
    return Holdings(tuple(moments), accepted)
