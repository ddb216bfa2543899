"""The golden log: 200,000 payments in one hour, a tenth of them up to 30 s late, from one seed.

What has to come out of it was worked out elsewhere, with other engines, and is written down here.
"""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Final, NamedTuple

EVENTS: Final = 200_000
SPAN_MS: Final = 3_600_000
START_MS: Final = 1_760_000_400_000

TOTAL_CENTS: Final = 808_869_966
WINDOWS: Final = 63_921
"""Windows of 5 min every minute, by card, that hold something."""
PARTIAL_LATE_AT_10_S: Final = 2_108
"""Events that miss a window where only 10 s of disorder are waited for: one window each."""


class Payment(NamedTuple):
    """What the windows need of a payment."""

    card: str
    event_ms: int
    cents: int


@cache
def golden_log() -> tuple[Payment, ...]:
    """Return the golden log in order of arrival."""
    random = Random(7)
    times = sorted(random.randrange(SPAN_MS) for _ in range(EVENTS))
    delays = [random.randrange(1, 30_000) if random.random() < 0.10 else 0 for _ in range(EVENTS)]
    arrivals = sorted(range(EVENTS), key=lambda i: (times[i] + delays[i], i))
    return tuple(_payment(random, START_MS + times[i]) for i in arrivals)


def _payment(random: Random, event_ms: int) -> Payment:
    """Draw everything that a payment of the log has, in its order; keep what is needed."""
    card = random.randrange(1_000)
    random.randrange(1_000)  # user
    amount = round(random.lognormvariate(3.2, 1.0), 2)
    random.randrange(5_000)  # merchant
    random.choice(range(8))  # country
    random.uniform(-60, 60)  # latitude
    random.uniform(-180, 180)  # longitude
    random.randrange(3_000)  # device
    return Payment(f"card_{card:05d}", event_ms, round(amount * 100))
