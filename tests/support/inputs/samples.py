"""Random payments and clicks, as the feature aggregates are given them: with their offset."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st

from flink_jobs.events import Click, Transaction

T = TypeVar("T")

START_MS = 1_760_000_400_000
times = st.integers(0, 200_000).map(lambda after: START_MS + after)
cents = st.one_of(st.integers(0, 10_000), st.sampled_from([0, 49_999, 50_000, 200_000, 10**9]))
places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@st.composite
def payments(
    draw: st.DrawFn, *, least: int = 1, longest: int = 25
) -> list[tuple[Transaction, int]]:
    """Draw the payments of a card, in event-time order; offsets are in no order."""
    at = sorted(draw(st.lists(times, min_size=least, max_size=longest)))
    offsets = draw(st.permutations(range(len(at))))
    drawn = [
        Transaction(
            event_id=f"e{offset}",
            card_id="card",
            merchant_id=draw(st.sampled_from("abcde")),
            amount_cents=draw(cents),
            country=draw(st.sampled_from(["FR", "DE", "LU"])),
            lat=lat,
            lon=lon,
            event_time=time,
        )
        for time, offset in zip(at, offsets, strict=True)
        for lat, lon in [draw(places)]
    ]
    stops = zip(drawn, offsets, strict=True)
    return sorted(stops, key=lambda stop: (stop[0].event_time, stop[1]))


@st.composite
def clicks(draw: st.DrawFn, *, longest: int = 25) -> list[tuple[Click, int]]:
    """Draw the clicks of a user, in event-time order."""
    kinds = ["impression", "page_view", "click", "add_to_cart", "purchase"]
    at = sorted(draw(st.lists(times, min_size=1, max_size=longest)))
    drawn = []
    for offset, time in enumerate(at):
        kind = draw(st.sampled_from(kinds))
        spent = draw(cents) if kind == "purchase" else None
        item = draw(st.sampled_from("uvwxyz"))
        drawn.append((Click(f"e{offset}", "user", kind, item, time, spent), offset))  # type: ignore[arg-type]
    return drawn


@st.composite
def in_panes(draw: st.DrawFn, values: Sequence[T]) -> list[list[T]]:
    """Cut `values` into panes. Values of one millisecond may be apart, as `values` has them."""
    cuts = draw(st.sets(st.integers(1, max(1, len(values) - 1))))
    edges = [0, *sorted(cut for cut in cuts if cut < len(values)), len(values)]
    return [list(values[a:b]) for a, b in pairwise(edges)]
