"""How fast a card travelled: the speed between consecutive payments.

Both executions use these functions. The development processor merges `Journey`s pane by pane; the
production job carries the payments of a window through Flink and makes one journey of all stops.
Either way the speed is a maximum over the same pairs of stops, so the two agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, cos, pi, sin, sqrt
from typing import Final

from msgspec import Struct

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius of the Earth (IUGG)."""

IMPOSSIBLE_KMH: Final = 900.0
"""The speed of an airliner: a pair of stops that is impossible is faster."""
IMPOSSIBLE_KM: Final = 100.0
"""The least distance of an impossible pair. Speed alone would not do: a place that is a kilometre
wrong, within a second, is 3,600 km/h."""

_DEGREE: Final = pi / 180
_HALF_DEGREE: Final = pi / 360


class Stop(Struct, order=True, gc=False):
    """A place and a time at which a card was used, in degrees and epoch milliseconds.

    Stops are ordered by event time, and within a millisecond by offset: all stops of a card are in
    one partition, so no two compare as equal.
    """

    event_ms: int
    offset: int
    lat: float
    lon: float


class Journey(Struct, frozen=True, gc=False):
    """The stops of a card over a stretch of time, reduced to what a longer journey needs."""

    first: Stop
    last: Stop
    max_speed_kmh: float | None
    """Speed of the fastest pair of consecutive stops; None for a single stop."""
    impossible: bool
    """Whether some pair of consecutive stops is impossible, not only the fastest pair."""


def distance_km(a: Stop, b: Stop) -> float:
    """Return the great-circle distance by the haversine formula, kilometres.

    >>> paris, london = Stop(0, 0, 48.8566, 2.3522), Stop(0, 1, 51.5074, -0.1278)
    >>> round(distance_km(paris, london))
    344
    """
    across = sin((b.lat - a.lat) * _HALF_DEGREE)
    along = sin((b.lon - a.lon) * _HALF_DEGREE)
    lats = cos(a.lat * _DEGREE) * cos(b.lat * _DEGREE)
    part = across * across + lats * along * along
    # Rounding may lift the part of two opposite points above 1, where `asin` is not defined.
    return 2 * EARTH_RADIUS_KM * asin(sqrt(part) if part < 1.0 else 1.0)


def join(a: Journey, b: Journey) -> Journey:
    """Return the journey through the stops of `a` and then those of `b`, all of which are later.

    The leg from the last stop of `a` to the first stop of `b` is new; all other legs are known.
    """
    speed, impossible = _leg(a.last, b.first)
    if a.max_speed_kmh is not None and a.max_speed_kmh > speed:
        speed = a.max_speed_kmh
    if b.max_speed_kmh is not None and b.max_speed_kmh > speed:
        speed = b.max_speed_kmh
    return Journey(a.first, b.last, speed, impossible or a.impossible or b.impossible)


def journey_of(stops: Sequence[Stop]) -> Journey:
    """Return the journey through `stops`, in any order and at least one.

    >>> flight = [Stop(1_800_000, 9, 51.5074, -0.1278), Stop(0, 5, 48.8566, 2.3522)]
    >>> journey = journey_of(flight)  # Paris to London in half an hour
    >>> round(journey.max_speed_kmh), journey.impossible
    (687, False)
    """
    if len(stops) == 1:
        return Journey(stops[0], stops[0], None, False)
    first, *others = sorted(stops)  # inside a pane payments come in any order
    last, fastest, impossible = first, 0.0, False
    for stop in others:
        speed, too_fast = _leg(last, stop)
        if speed > fastest:  # `max()` would cost three times as much, in the hottest loop
            fastest = speed
        if too_fast:
            impossible = True
        last = stop
    return Journey(first, last, fastest, impossible)


def _leg(a: Stop, b: Stop) -> tuple[float, bool]:
    """Return the speed from one stop to the next in km/h, and whether the leg is impossible.

    A leg takes a second at least: two payments of one millisecond would have no speed.
    """
    km = distance_km(a, b)
    ms = b.event_ms - a.event_ms
    speed = km * 3_600_000 / (ms if ms > 1_000 else 1_000)
    return speed, speed > IMPOSSIBLE_KMH and km >= IMPOSSIBLE_KM
