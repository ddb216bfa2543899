"""The place of the handbook's square on Earth.

A unit of the square is five kilometres, so that the square covers Luxembourg and its neighbours: a
customer's terminals (radius 5) are at most 50 km apart, and some customers shop on both sides of a
border.
"""

from __future__ import annotations

from typing import Final, NamedTuple

SOUTH: Final = 47.35
WEST: Final = 2.6
DEGREES_NORTH: Final = 0.045
"""Degrees of latitude in one unit."""
DEGREES_EAST: Final = 0.07
"""Degrees of longitude in one unit, at the latitude of Luxembourg."""


class Place(NamedTuple):
    """A point on Earth, in degrees, and its country's ISO 3166 code."""

    country: str
    lat: float
    lon: float


TOWNS: Final = (
    Place("LU", 49.61, 6.13),  # Luxembourg
    Place("BE", 50.85, 4.35),  # Brussels
    Place("BE", 50.63, 5.57),  # Liège
    Place("BE", 49.68, 5.81),  # Arlon
    Place("NL", 51.92, 4.48),  # Rotterdam
    Place("NL", 51.44, 5.48),  # Eindhoven
    Place("DE", 50.94, 6.96),  # Cologne
    Place("DE", 50.11, 8.68),  # Frankfurt
    Place("DE", 49.76, 6.64),  # Trier
    Place("DE", 48.78, 9.18),  # Stuttgart
    Place("FR", 50.63, 3.06),  # Lille
    Place("FR", 49.26, 4.03),  # Reims
    Place("FR", 49.12, 6.18),  # Metz
    Place("FR", 48.57, 7.75),  # Strasbourg
    Place("FR", 47.32, 5.04),  # Dijon
    Place("CH", 47.56, 7.59),  # Basel
    Place("CH", 47.38, 8.54),  # Zurich
)

ABROAD: Final = (
    Place("BR", -23.55, -46.63),  # São Paulo
    Place("US", 25.76, -80.19),  # Miami
    Place("NG", 6.52, 3.38),  # Lagos
    Place("SG", 1.35, 103.82),  # Singapore
    Place("JP", 35.68, 139.69),  # Tokyo
    Place("AU", -33.87, 151.21),  # Sydney
)
"""The towns in which the numbers of stolen cards are used."""


def locate(x: float, y: float) -> Place:
    """Return the place of a point of the square; the country is that of the nearest town.

    >>> locate(50, 50)
    Place(country='LU', lat=49.6, lon=6.1)
    """
    lat = round(SOUTH + DEGREES_NORTH * y, 4)
    lon = round(WEST + DEGREES_EAST * x, 4)
    return Place(min(TOWNS, key=lambda town: _squared_units(town, lat, lon)).country, lat, lon)


def _squared_units(town: Place, lat: float, lon: float) -> float:
    """Return the squared distance in units of the square: close enough to rank towns by."""
    north, east = (town.lat - lat) / DEGREES_NORTH, (town.lon - lon) / DEGREES_EAST
    return north * north + east * east
