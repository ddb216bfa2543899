"""How fast a card travelled: the speed between consecutive payments.

Both executions use these functions. The development processor merges `Path`s pane by pane; the
production job carries a window's stops through Flink and joins them in one go. Speed is a maximum
over the same pairs either way, so the two agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt
from typing import Final

from msgspec import Struct

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius of the Earth (IUGG)."""

IMPOSSIBLE_KMH: Final = 900.0
IMPOSSIBLE_KM: Final = 100.0
"""A pair is impossible when it is faster than an airliner *and* farther than geocoding errs: one
kilometre of jitter within a second is 3,600 km/h."""


class Stop(Struct, order=True, gc=False):
    """Where a card was used. Stops are ordered by event time, then by offset in the partition."""

    event_ms: int
    offset: int
    lat: float
    lon: float


class Path(Struct, frozen=True, gc=False):
    """The stops of a card over a stretch of time, reduced to what longer stretches need."""

    first: Stop
    last: Stop
    max_speed_kmh: float | None = None
    """Fastest pair of consecutive stops; None with a single stop."""
    impossible: bool = False


def distance_km(a: Stop, b: Stop) -> float:
    """Return the great-circle distance by the haversine formula.

    >>> paris, london = Stop(0, 0, 48.8566, 2.3522), Stop(0, 1, 51.5074, -0.1278)
    >>> round(distance_km(paris, london))
    344
    """
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    across = sin((lat_b - lat_a) / 2) ** 2
    along = sin(radians(b.lon - a.lon) / 2) ** 2
    part = across + cos(lat_a) * cos(lat_b) * along
    return 2 * EARTH_RADIUS_KM * asin(sqrt(part) if part < 1.0 else 1.0)


def join(a: Path, b: Path) -> Path:
    """Return the path of `a` followed by `b`: all stops of `a` come before those of `b`."""
    km = distance_km(a.last, b.first)
    ms = b.first.event_ms - a.last.event_ms
    speed = km * 3_600_000 / (ms if ms > 1_000 else 1_000)
    fastest = speed
    if a.max_speed_kmh is not None and a.max_speed_kmh > fastest:
        fastest = a.max_speed_kmh
    if b.max_speed_kmh is not None and b.max_speed_kmh > fastest:
        fastest = b.max_speed_kmh
    impossible = speed > IMPOSSIBLE_KMH and km >= IMPOSSIBLE_KM
    return Path(a.first, b.last, fastest, a.impossible or b.impossible or impossible)


def path_of(stops: Iterable[Stop]) -> Path:
    """Return the path through `stops`, in any order and at least one.

    >>> flight = [Stop(1_800_000, 9, 51.5074, -0.1278), Stop(0, 5, 48.8566, 2.3522)]
    >>> path = path_of(flight)  # Paris to London in half an hour
    >>> round(path.max_speed_kmh), path.impossible
    (687, False)
    """
    first, *others = sorted(stops)
    path = Path(first, first)
    for stop in others:
        path = join(path, Path(stop, stop))
    return path
