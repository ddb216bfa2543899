"""State, watched for a month: payments that come twice, and three ways to forget them.

>>> payments = [Payment("p1", 0, 0), Payment("p2", HOUR_MS, HOUR_MS), Payment("p1", 0, 2 * HOUR_MS)]
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
"""The part of the payments that is sent again, an hour to four days later."""


class Payment(NamedTuple):
    """A payment as it is read: its key, when it happened, and what the clock on the wall says."""

    key: str
    event_ms: int
    now_ms: int


def month(a_day: int = 1_000, seed: int = 7) -> list[Payment]:
    """Return 30 days of payments in their order of arrival; some are sent twice.

    Args:
        a_day: How many different payments a day has.
        seed: The same seed gives the same payments.
    """
    draw = Random(seed)
    payments = []
    for number in range(a_day * MONTH_DAYS):
        event_ms = draw.randrange(MONTH_DAYS * DAY_MS - BOUND_MS)
        now_ms = event_ms + draw.randrange(BOUND_MS)
        payments.append(Payment(f"pay_{number:08d}", event_ms, now_ms))
        if draw.random() < TWICE:
            again_ms = now_ms + draw.randrange(HOUR_MS, 4 * DAY_MS)
            if again_ms < MONTH_DAYS * DAY_MS:
                payments.append(Payment(f"pay_{number:08d}", event_ms, again_ms))
    return sorted(payments, key=lambda payment: payment.now_ms)


class Forever:
    """Remembers each key. Nothing frees."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.held: dict[str, int] = {}

    def on_event(self, key: str, event_ms: int, now_ms: int) -> bool:
        """Return whether the key is new."""
        is_new = key not in self.held
        self.held[key] = now_ms
        return is_new

    def on_time(self, watermark_ms: float, now_ms: int) -> None:
        """Free what is not needed any more."""


class TimeToLive(Forever):
    """Forgets a key a while after its last write, by the clock on the wall."""

    def __init__(self, keep_ms: int) -> None:
        """Forget after `keep_ms`."""
        super().__init__()
        self.keep_ms = keep_ms

    def on_event(self, key: str, event_ms: int, now_ms: int) -> bool:
        """Return whether the key is new; it moves behind all that was written before."""
        self.on_time(-math.inf, now_ms)
        is_new = self.held.pop(key, None) is None
        self.held[key] = now_ms
        return is_new

    def on_time(self, watermark_ms: float, now_ms: int) -> None:
        """Free what was last written `keep_ms` ago or earlier."""
        while self.held:
            oldest = next(iter(self.held))
            if self.held[oldest] + self.keep_ms > now_ms:
                return
            del self.held[oldest]


class Timers(Forever):
    """Forgets a key when the watermark reaches its timer."""

    def __init__(self, keep_ms: int) -> None:
        """Set the timer of a key `keep_ms` after its event."""
        super().__init__()
        self.keep_ms = keep_ms
        self.timers: list[tuple[int, str]] = []
        self.watermark_ms: float = -math.inf

    def on_event(self, key: str, event_ms: int, now_ms: int) -> bool:
        """Return whether the key is new; one whose timer is over is refused, not taken for new."""
        due_ms = event_ms + self.keep_ms
        if key in self.held or due_ms <= self.watermark_ms:
            return False
        self.held[key] = due_ms
        heappush(self.timers, (due_ms, key))
        return True

    def on_time(self, watermark_ms: float, now_ms: int) -> None:
        """Free each key whose timer the watermark has reached."""
        self.watermark_ms = watermark_ms
        while self.timers and self.timers[0][0] <= watermark_ms:
            _, key = heappop(self.timers)
            del self.held[key]


def three_holders(keep_ms: int) -> dict[str, Forever]:
    """Return one holder of each kind, by its name; two of them forget after `keep_ms`."""
    return {
        "nothing frees": Forever(),
        "time to live": TimeToLive(keep_ms),
        "timer": Timers(keep_ms),
    }


class Sample(Struct, frozen=True):
    """How many keys each holder has at one moment of wall time.

    Attributes:
        now_ms: The clock on the wall.
        watermark_ms: The watermark; infinite once the stream has ended.
        held: Keys by the name of the holder.
    """

    now_ms: int
    watermark_ms: float
    held: dict[str, int]


class Holdings(Struct, frozen=True):
    """What several holders held all along one stream, and how many payments each took for new."""

    moments: tuple[Sample, ...]
    accepted: dict[str, int]


def watched(
    payments: Iterable[Payment], holders: Mapping[str, Forever], *, every_ms: int = DAY_MS // 2
) -> Holdings:
    """Send payments to all holders, look at them every so often, before the end and after it.

    Args:
        payments: In their order of arrival.
        holders: By their names.
        every_ms: Between two looks, on the wall.
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
