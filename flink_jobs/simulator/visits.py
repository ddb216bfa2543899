"""The clickstream of a shop: users who come, look at pages, click, and sometimes buy.

A visit is a chain of pages. Each page shows some items (impressions); the user then leaves or
clicks one of them, which opens that item's page. Some items go into the cart, and some carts are
paid for at the end of the visit. Within a visit two steps are less than six minutes apart;
between two visits of a user more than 30 minutes pass, so that a visit is a session.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from flink_jobs.events import Click, EventType

LEAVES: Final = 0.35
"""Probability that a page is the last one of its visit."""
TAKES: Final = 0.12
"""Probability that the item of a page goes into the cart."""
PAYS: Final = 0.55
"""Probability that a cart is paid for."""
FEWEST_SHOWN, MOST_SHOWN = 2, 5
MEAN_STEPS: Final = (1 + (FEWEST_SHOWN + MOST_SHOWN) / 2 + TAKES * (1 + PAYS)) / LEAVES + (
    1 / LEAVES - 1
)
"""Mean number of events in a visit: what each page brings, and a click before all but the first."""

MEDIAN_DWELL_MS: Final = 12_000
DWELL_SPREAD: Final = 0.8
SHORTEST_DWELL_MS: Final = 1_000
LONGEST_DWELL_MS: Final = 300_000
SHORTEST_REST_MS: Final = 31 * 60_000
MEAN_EXTRA_REST_MS: Final = 20 * 60_000
WARM_UP_MS: Final = 180_000
"""How long before the stream visits begin: otherwise it would start with first pages only."""

ITEMS: Final = 500
_ITEM_IDS: Final = [f"item_{item:03d}" for item in range(ITEMS)]
_PRICES: Final = [199 + 37 * (item * 7_919 % ITEMS) for item in range(ITEMS)]
"""In cents; the multiplication spreads prices over the items, popular or not."""

_Step: TypeAlias = tuple[int, int, str, EventType, int]
"""Event time, number, user, type and item; it sorts by the first two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitHabits:
    """Who visits, and how unevenly.

    Attributes:
        users: Number of users. Where the rate asks for more visits than these can make with
            30 minutes of rest between them, further users come.
        hot_share: Share of the visits that one more user, `user_00000`, makes without any rest;
            0 for no hot key.
    """

    users: int = 2_000
    hot_share: float = 0.0


def visits(
    *, seed: int, start_ms: int, rate: float, habits: VisitHabits | None = None
) -> Iterator[Click]:
    """Yield clickstream events in order of event time, without end.

    Args:
        seed: The same seed gives the same events.
        start_ms: Event time at which the stream starts, epoch milliseconds.
        rate: Mean number of events in a second of event time.
        habits: Who visits; `VisitHabits()` if None.

    >>> first = next(visits(seed=1, start_ms=1_760_000_400_000, rate=5.0))
    >>> first.user_id, first.event_type, first.event_time
    ('user_00055', 'click', 1760000400251)
    """
    draw = random.Random(f"visits/{seed}")
    guests = _Guests(draw, habits or VisitHabits())
    steps = (step for step in _steps(draw, guests, start_ms, rate) if step[0] >= start_ms)
    for number, (time, _, user, event_type, item) in enumerate(steps):
        cents = _PRICES[item] if event_type == "purchase" else None
        yield Click(f"c{number:09d}", user, event_type, _ITEM_IDS[item], time, cents)


def _steps(draw: random.Random, guests: _Guests, start_ms: int, rate: float) -> Iterator[_Step]:
    """Yield the steps of all visits in order: visits begin at random, and overlap."""
    mean_gap_ms = 1_000 * MEAN_STEPS / rate
    begin = float(start_ms - WARM_UP_MS)
    pending: list[_Step] = []
    count = 0
    while True:
        begin += draw.expovariate(1) * mean_gap_ms
        while pending and pending[0][0] < begin:
            yield heapq.heappop(pending)
        user, visit = guests.welcome(begin), _visit(draw, int(begin))
        for time, event_type, item in visit:
            heapq.heappush(pending, (time, count, user, event_type, item))
            count += 1
        guests.rest(user, visit[-1][0])


class _Guests:
    """Decides which user the next visit is by."""

    def __init__(self, draw: random.Random, habits: VisitHabits) -> None:
        self._draw = draw
        self._habits = habits
        self._hot = _user_id(0)
        self._seen = 1
        self._resting: list[tuple[int, str]] = []

    def welcome(self, now: float) -> str:
        """Return a user who may begin a visit at `now`: a rested one, or one not seen yet."""
        if self._draw.random() < self._habits.hot_share:
            return self._hot
        rested = bool(self._resting) and self._resting[0][0] <= now
        if rested and (self._seen > self._habits.users or self._draw.random() < 0.5):
            return heapq.heappop(self._resting)[1]
        self._seen += 1
        return _user_id(self._seen - 1)

    def rest(self, user: str, last: int) -> None:
        """Let `user`, whose visit ends at `last`, come back after a rest."""
        if user != self._hot:
            extra = int(self._draw.expovariate(1) * MEAN_EXTRA_REST_MS)
            heapq.heappush(self._resting, (last + SHORTEST_REST_MS + extra, user))


def _visit(draw: random.Random, begin: int) -> list[tuple[int, EventType, int]]:
    """Return one visit: times in epoch milliseconds, never descending, types and items."""
    steps: list[tuple[int, EventType, int]] = []
    cart = []
    time, item = begin, _popular(draw)
    while True:
        shown = [_popular(draw) for _ in range(draw.randint(FEWEST_SHOWN, MOST_SHOWN))]
        steps.append((time, "page_view", item))
        steps += [(time + 20 * n, "impression", other) for n, other in enumerate(shown, start=1)]
        time += _dwell(draw)
        if draw.random() < TAKES:
            cart.append(item)
            steps.append((time, "add_to_cart", item))
            time += _dwell(draw)
        if draw.random() < LEAVES:
            break
        item = draw.choice(shown)
        steps.append((time, "click", item))
        time += 300
    if draw.random() < PAYS:
        steps += [(time, "purchase", bought) for bought in cart]
    return steps


def _popular(draw: random.Random) -> int:
    """Draw an item; the first ones are the popular ones."""
    uniform = draw.random()
    return int(ITEMS * uniform * uniform)


def _dwell(draw: random.Random) -> int:
    """Draw the time spent on a page, in milliseconds: log-normal, with bounds on both sides."""
    dwell = int(MEDIAN_DWELL_MS * math.exp(DWELL_SPREAD * draw.gauss(0, 1)))
    return max(SHORTEST_DWELL_MS, min(dwell, LONGEST_DWELL_MS))


def _user_id(user: int) -> str:
    return f"user_{user:05d}"
