"""Travel: distance, speed and impossible pairs, whatever the grouping."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from math import isclose, pi

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flink_jobs.features.travel import (
    EARTH_RADIUS_KM,
    Journey,
    Stop,
    distance_km,
    join,
    journey_of,
)
from tests.support.inputs.samples import in_panes, places
from tests.support.oracles import log as oracle_log

PARIS, LONDON = (48.8566, 2.3522), (51.5074, -0.1278)
HOUR_MS = 3_600_000


@st.composite
def journeys(draw: st.DrawFn) -> list[Stop]:
    """Draw the stops of a card in order; some are of one millisecond, some at one place."""
    count = draw(st.integers(1, 30))
    moments = draw(st.lists(st.integers(0, 5_000), min_size=count, max_size=count))
    spots = draw(st.lists(places, min_size=1, max_size=6))
    return sorted(
        Stop(moment, offset, *draw(st.sampled_from(spots))) for offset, moment in enumerate(moments)
    )


@given(journeys(), st.data())
def test_any_grouping_is_bit_exact(stops: list[Stop], data: st.DataObject) -> None:
    """Panes cut anywhere, shuffled inside, merged from the left or from the right."""
    panes = data.draw(in_panes(stops))
    journeys = [journey_of(data.draw(st.permutations(pane))) for pane in panes]
    whole = journey_of(stops)
    assert reduce(join, journeys) == whole
    assert reduce(lambda journey, earlier: join(earlier, journey), reversed(journeys)) == whole


@given(journeys())
def test_path_is_that_of_consecutive_pairs(stops: list[Stop]) -> None:
    journey = journey_of(stops)
    pairs = [oracle_log.leg(*a, *b) for a, b in _located(stops)]
    if not pairs:
        assert (journey.max_speed_kmh, journey.impossible) == (None, False)
        return
    assert journey.max_speed_kmh is not None
    assert isclose(journey.max_speed_kmh, max(kmh for _, kmh in pairs), rel_tol=1e-12)
    near_a_limit = any(
        isclose(kmh, 900, rel_tol=1e-9) or isclose(km, 100, rel_tol=1e-9) for km, kmh in pairs
    )
    assume(not near_a_limit)
    assert journey.impossible == any(kmh > 900 and km >= 100 for km, kmh in pairs)


def _located(stops: list[Stop]) -> list[tuple[tuple[int, float, float], tuple[int, float, float]]]:
    where = [(stop.event_ms, stop.lat, stop.lon) for stop in stops]
    return list(pairwise(where))


def test_first_and_last_are_kept() -> None:
    a, b, c = Stop(1, 0, *PARIS), Stop(2, 0, *LONDON), Stop(3, 0, *PARIS)
    journey = journey_of([b, c, a])
    assert (journey.first, journey.last) == (a, c)


def test_equal_times_are_in_order_of_offset() -> None:
    """Of one millisecond: Paris, Paris, London. The other order has the same legs but one more."""
    stops = [Stop(0, 0, *PARIS), Stop(0, 2, *LONDON), Stop(0, 1, *PARIS)]
    assert journey_of(stops).last == stops[1]


def test_single_stop_has_no_speed() -> None:
    stop = Stop(0, 0, *PARIS)
    assert journey_of([stop]) == Journey(stop, stop, None, False)


def test_standing_still_is_speed_0_and_not_null() -> None:
    assert journey_of([Stop(0, 0, *PARIS), Stop(0, 1, *PARIS)]).max_speed_kmh == 0.0


@pytest.mark.parametrize("elapsed_ms", [0, 1, 999, 1_000])
def test_less_than_a_second_counts_as_one(elapsed_ms: int) -> None:
    journey = journey_of([Stop(0, 0, *PARIS), Stop(elapsed_ms, 1, *LONDON)])
    km = distance_km(Stop(0, 0, *PARIS), Stop(0, 0, *LONDON))
    assert journey.max_speed_kmh == pytest.approx(3_600 * km, rel=1e-12)


def test_jitter_is_fast_but_not_impossible() -> None:
    """One kilometre within a second is 3,600 km/h, and a geocoder's error."""
    journey = journey_of([Stop(0, 0, 0.0, 0.0), Stop(1_000, 1, 0.009, 0.0)])
    assert journey.max_speed_kmh is not None
    assert journey.max_speed_kmh > 3_500
    assert not journey.impossible


def test_fast_pair_and_far_pair_are_no_impossible_pair() -> None:
    """Each pair is tested, not the fastest speed against the longest way."""
    jitter_then_flight = [Stop(0, 0, 0.0, 0.0), Stop(0, 1, 0.009, 0.0), Stop(HOUR_MS, 2, 5.0, 0.0)]
    assert not journey_of(jitter_then_flight).impossible


@pytest.mark.parametrize(
    ("km", "kmh", "impossible"),
    [(100.001, 901, True), (99.999, 901, False), (100.001, 899, False), (1_000, 899, False)],
)
def test_impossible_is_faster_than_900_and_at_least_100_km(
    km: float, kmh: float, impossible: bool
) -> None:
    north = km / (EARTH_RADIUS_KM * pi / 180)
    elapsed_ms = round(km / kmh * HOUR_MS)
    assert (
        journey_of([Stop(0, 0, 0.0, 0.0), Stop(elapsed_ms, 1, north, 0.0)]).impossible == impossible
    )


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        ((0.0, 0.0), (0.0, 180.0), EARTH_RADIUS_KM * pi),  # the other side of the Earth
        ((90.0, 0.0), (-90.0, 0.0), EARTH_RADIUS_KM * pi),
        ((90.0, 12.0), (90.0, -99.0), 0.0),  # one pole, two longitudes
        ((0.0, 180.0), (0.0, -180.0), 0.0),  # one meridian, two names
        ((0.0, 179.5), (0.0, -179.5), EARTH_RADIUS_KM * pi / 180),  # over the date line
        ((0.0, 0.0), (0.0, 90.0), EARTH_RADIUS_KM * pi / 2),
    ],
)
def test_known_distances(a: tuple[float, float], b: tuple[float, float], km: float) -> None:
    assert distance_km(Stop(0, 0, *a), Stop(0, 0, *b)) == pytest.approx(km, abs=1e-9)


@given(places, places)
def test_distance_is_symmetric_and_on_the_globe(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    left, right = Stop(0, 0, *a), Stop(0, 0, *b)
    assert distance_km(left, right) == distance_km(right, left)
    assert 0 <= distance_km(left, right) <= EARTH_RADIUS_KM * pi
