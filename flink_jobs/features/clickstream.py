"""Personalization features: what a user did in a window, and in a session.

| personalization | definition |
|---|---|
| `events`, `impressions`, `page_views`, `clicks`, `add_to_carts`, `purchases` | counts |
| `purchase_sum_cents` | money spent, cents |
| `distinct_items` | exact distinct count over all events |
| `ctr` | clicks / impressions; null without impressions |
| `conversion_rate` | purchases / page views; null without page views |
| `engagement_score`, `engagement_version` | sum of `ENGAGEMENT_WEIGHTS` over the events |
| `updated_event_time` | event time of the last event, epoch ms |

| session | definition |
|---|---|
| `events`, `page_views`, `clicks`, `purchases` | counts |
| `session_length_ms` | last event - first event; 0 for a single event |
| `dwell_mean_ms` | mean time from one page view to the next; null with fewer than two |
| `engaged` | longer than 10 s, or at least 2 page views, or a purchase |
| `converted` | a purchase |
| `cart_abandoned` | a cart was filled and nothing bought; null where no cart was filled |
| `updated_event_time` | event time of the last event, epoch ms |

The last page of a visit has no dwell time: nobody knows when the user left that page. The times
between page views add up to last - first, so their mean needs no list of pages. A rate without a
denominator is null and never 0: 0 would say that somebody looked and did not click.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from typing import Final

from msgspec import Struct

from flink_jobs.events import Click

SESSION_GAP_MS: Final = 30 * 60_000
"""How long a user is silent before a session is over. An event exactly a gap later still joins."""
ENGAGED_MS: Final = 10_000
"""A session that is longer than this is engaged; one of exactly this length is not."""

ENGAGEMENT_VERSION: Final = 1
"""The version of the weights, which each row carries: another weight is another version."""
ENGAGEMENT_WEIGHTS: Final = {
    "impression": 0,
    "page_view": 1,
    "click": 2,
    "add_to_cart": 5,
    "purchase": 10,
}


class PersonalizationFeatures(Struct, frozen=True, gc=False):
    """The features of one user in one window. The module's first table defines each."""

    events: int
    impressions: int
    page_views: int
    clicks: int
    add_to_carts: int
    purchases: int
    purchase_sum_cents: int
    distinct_items: int
    ctr: float | None
    conversion_rate: float | None
    engagement_score: int
    engagement_version: int
    updated_event_time: int


class SessionFeatures(Struct, frozen=True, gc=False):
    """The features of one session of one user. The module's second table defines each."""

    events: int
    page_views: int
    clicks: int
    purchases: int
    session_length_ms: int
    dwell_mean_ms: float | None
    engaged: bool
    converted: bool
    cart_abandoned: bool | None
    updated_event_time: int


def personalization_features(
    *,
    impressions: int,
    page_views: int,
    clicks: int,
    add_to_carts: int,
    purchases: int,
    purchase_sum_cents: int,
    distinct_items: int,
    last_ms: int,
) -> PersonalizationFeatures:
    """Finish a window: derive every feature from exact parts.

    Args:
        impressions: Number of events of this type, as for the next four.
        page_views: See `impressions`.
        clicks: See `impressions`.
        add_to_carts: See `impressions`.
        purchases: See `impressions`.
        purchase_sum_cents: Sum of the purchases' amounts, cents.
        distinct_items: Number of items over all events.
        last_ms: Event time of the last event, epoch milliseconds.
    """
    weights = ENGAGEMENT_WEIGHTS
    return PersonalizationFeatures(
        events=impressions + page_views + clicks + add_to_carts + purchases,
        impressions=impressions,
        page_views=page_views,
        clicks=clicks,
        add_to_carts=add_to_carts,
        purchases=purchases,
        purchase_sum_cents=purchase_sum_cents,
        distinct_items=distinct_items,
        ctr=clicks / impressions if impressions else None,
        conversion_rate=purchases / page_views if page_views else None,
        engagement_score=impressions * weights["impression"]
        + page_views * weights["page_view"]
        + clicks * weights["click"]
        + add_to_carts * weights["add_to_cart"]
        + purchases * weights["purchase"],
        engagement_version=ENGAGEMENT_VERSION,
        updated_event_time=last_ms,
    )


def session_features(
    *,
    events: int,
    page_views: int,
    clicks: int,
    add_to_carts: int,
    purchases: int,
    first_ms: int,
    last_ms: int,
    first_view_ms: int | None,
    last_view_ms: int | None,
) -> SessionFeatures:
    """Finish a session: derive every feature from exact parts.

    Two page views 20 s apart, and nothing bought:

    >>> features = session_features(events=2, page_views=2, clicks=0, add_to_carts=0, purchases=0,
    ...     first_ms=0, last_ms=20_000, first_view_ms=0, last_view_ms=20_000)
    >>> features.session_length_ms, features.dwell_mean_ms, features.cart_abandoned
    (20000, 20000.0, None)

    Args:
        events: Number of all events, at least one.
        page_views: Number of events of this type, as for the next three.
        clicks: See `page_views`.
        add_to_carts: See `page_views`.
        purchases: See `page_views`.
        first_ms: Event time of the first event, epoch milliseconds.
        last_ms: Event time of the last event.
        first_view_ms: Event time of the first page view; None without any.
        last_view_ms: Event time of the last page view; None without any.
    """
    length_ms = last_ms - first_ms
    dwell: float | None = None
    if page_views > 1 and first_view_ms is not None and last_view_ms is not None:
        dwell = (last_view_ms - first_view_ms) / (page_views - 1)
    return SessionFeatures(
        events=events,
        page_views=page_views,
        clicks=clicks,
        purchases=purchases,
        session_length_ms=length_ms,
        dwell_mean_ms=dwell,
        engaged=length_ms > ENGAGED_MS or page_views > 1 or purchases > 0,
        converted=purchases > 0,
        cart_abandoned=purchases == 0 if add_to_carts else None,
        updated_event_time=last_ms,
    )


class Activity(Struct, gc=False):
    """The accumulator of a user's clicks: in one pane, or in several that are merged."""

    counts: dict[str, int]
    items: set[str]
    spent: int
    last_ms: int


class PersonalizationAggregate:
    """The personalization features as an aggregate; a value is a click and its offset."""

    def lift(self, values: Sequence[tuple[Click, int]]) -> Activity:
        """Return the activity in a pane's clicks."""
        # Lists and no generators: a pane holds few clicks, and each loop then runs in C.
        clicks = [click for click, _ in values]
        return Activity(
            Counter([click.event_type for click in clicks]),
            {click.item_id for click in clicks},
            sum([click.amount_cents or 0 for click in clicks]),
            max([click.event_time for click in clicks]),
        )

    def add(self, acc: Activity, value: tuple[Click, int]) -> Activity:
        """Add a click of the same pane to `acc`."""
        click, _ = value
        acc.counts[click.event_type] = acc.counts.get(click.event_type, 0) + 1
        acc.items.add(click.item_id)
        acc.spent += click.amount_cents or 0
        acc.last_ms = max(acc.last_ms, click.event_time)
        return acc

    def merge(self, left: Activity, right: Activity) -> Activity:
        """Return the activity of both in a new accumulator."""
        counts = _sum_counts(left.counts, right.counts)
        items = left.items | right.items
        last_ms = max(left.last_ms, right.last_ms)
        return Activity(counts, items, left.spent + right.spent, last_ms)

    def finish(self, acc: Activity) -> PersonalizationFeatures:
        """Return the features of all clicks in `acc`."""
        count = acc.counts.get
        return personalization_features(
            impressions=count("impression", 0),
            page_views=count("page_view", 0),
            clicks=count("click", 0),
            add_to_carts=count("add_to_cart", 0),
            purchases=count("purchase", 0),
            purchase_sum_cents=acc.spent,
            distinct_items=len(acc.items),
            last_ms=acc.last_ms,
        )


class Visit:
    """The accumulator of a user's clicks in a session. Times are epoch milliseconds."""

    __slots__ = ("counts", "first_ms", "first_view_ms", "last_ms", "last_view_ms")

    def __init__(self, click: Click) -> None:
        """Begin with one click."""
        self.counts: dict[str, int] = {click.event_type: 1}
        self.first_ms = self.last_ms = click.event_time
        viewed_ms = click.event_time if click.event_type == "page_view" else None
        self.first_view_ms: int | None = viewed_ms
        self.last_view_ms: int | None = viewed_ms


class SessionAggregate:
    """The session features as an aggregate; a value is a click and its offset."""

    def lift(self, values: Sequence[tuple[Click, int]]) -> Visit:
        """Return the visit that consists of these clicks."""
        visit = Visit(values[0][0])
        for click, _ in values[1:]:
            _extend(visit, Visit(click))
        return visit

    def add(self, acc: Visit, value: tuple[Click, int]) -> Visit:
        """Add a click to `acc`."""
        return _extend(acc, Visit(value[0]))

    def merge(self, left: Visit, right: Visit) -> Visit:
        """Return the visit of both in a new accumulator."""
        return _extend(copy(left), right)

    def finish(self, acc: Visit) -> SessionFeatures:
        """Return the features of the session."""
        count = acc.counts.get
        return session_features(
            events=sum(acc.counts.values()),
            page_views=count("page_view", 0),
            clicks=count("click", 0),
            add_to_carts=count("add_to_cart", 0),
            purchases=count("purchase", 0),
            first_ms=acc.first_ms,
            last_ms=acc.last_ms,
            first_view_ms=acc.first_view_ms,
            last_view_ms=acc.last_view_ms,
        )


def _extend(visit: Visit, other: Visit) -> Visit:
    """Make `visit` hold the clicks of `other`, too."""
    # A new dictionary: `merge` copies a visit shallowly, so the old one may be another visit's.
    visit.counts = _sum_counts(visit.counts, other.counts)
    visit.first_ms = min(visit.first_ms, other.first_ms)
    visit.last_ms = max(visit.last_ms, other.last_ms)
    views = [at for at in (visit.first_view_ms, other.first_view_ms) if at is not None]
    visit.first_view_ms = min(views, default=None)
    views = [at for at in (visit.last_view_ms, other.last_view_ms) if at is not None]
    visit.last_view_ms = max(views, default=None)
    return visit


def _sum_counts(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    counts = dict(left)
    for event_type, count in right.items():
        counts[event_type] = counts.get(event_type, 0) + count
    return counts
