"""Draw docs/architecture.svg from the imports: which room of the house stands on which.

    .venv/bin/python scripts/draw_architecture.py

Rows are the layers of the contracts in pyproject.toml, which import-linter holds. An arrow says
that a room imports from another; arrows that follow from others are left out. The same sources give
the same bytes.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CLONE = Path(__file__).resolve().parents[1]
PICTURE = CLONE / "docs" / "architecture.svg"
PACKAGES = ("studykit", "flink_jobs")
COLOURS = {"studykit": ("#e8f1fb", "#1f5a94"), "flink_jobs": ("#fdf1e3", "#8a4b08")}
WIDTH, BOX_WIDTH, BOX_HEIGHT, ROW_HEIGHT, MARGIN, TITLE = 1080, 150, 34, 66, 24, 34

Imports = Mapping[str, frozenset[str]]
"""By room, the rooms that it imports from; a room is named as in `studykit.trace`."""


class Box(NamedTuple):
    """A room in the picture: its middle, in pixels."""

    room: str
    x: float
    y: float


def imports() -> Imports:
    """Read who imports whom from the sources, those inside functions included."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in sorted((CLONE / package).rglob("*.py")):
            parts = path.relative_to(CLONE).with_suffix("").parts
            room = _room(".".join(parts))
            if room is not None:
                found.setdefault(room, set()).update(_imported(path))
    return {room: frozenset(others & found.keys() - {room}) for room, others in found.items()}


def reduced(graph: Imports) -> Imports:
    """Leave out what follows: an arrow from a to c where a leads to b and b to c."""

    def below(room: str) -> set[str]:
        return {room}.union(*(below(other) for other in graph[room]))

    reach = {room: below(room) for room in graph}
    return {
        room: frozenset(
            other
            for other in others
            if not any(other in reach[via] for via in others if via != other)
        )
        for room, others in graph.items()
    }


def layers(package: str) -> list[list[str]]:
    """Return the package's rooms from the top layer to the bottom, as its contract names them."""
    linter = tomllib.loads((CLONE / "pyproject.toml").read_text())["tool"]["importlinter"]
    contract = next(each for each in linter["contracts"] if each.get("containers") == [package])
    return [[f"{package}.{name.strip()}" for name in row.split("|")] for row in contract["layers"]]


def draw() -> str:
    """Return the picture."""
    boxes: dict[str, Box] = {}
    titles: list[str] = []
    top = 0.0
    for package in PACKAGES:
        titles.append(_title(package, top))
        top += TITLE
        for row in layers(package):
            for place, room in enumerate(row):
                x = WIDTH * (place + 1) / (len(row) + 1)
                boxes[room] = Box(room, x, top + ROW_HEIGHT / 2)
            top += ROW_HEIGHT
        top += MARGIN
    arrows = [
        _arrow(boxes[room], boxes[other])
        for room, others in reduced(imports()).items()
        for other in sorted(others)
        if room in boxes and other in boxes
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" role="img" '
        'font-family="sans-serif" font-size="14">\n'
        "<title>Rooms of studykit above, of flink_jobs below; arrows point to what is imported."
        "</title>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#777"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{top:.0f}" fill="white"/>\n'
    )
    body = [*titles, *arrows, *map(_drawn, boxes.values())]
    return head + "\n".join(body) + "\n</svg>\n"


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from filter(None, map(_room, names))


def _room(module: str) -> str | None:
    """Return the room of a module; None for other packages, and for the packages themselves."""
    package, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    known = (CLONE / package / name).is_dir() or (CLONE / package / f"{name}.py").is_file()
    return f"{package}.{name}" if package in PACKAGES and name and known else None


def _title(package: str, top: float) -> str:
    _, colour = COLOURS[package]
    return (
        f'<text x="{MARGIN}" y="{top + 22:.0f}" fill="{colour}" font-weight="bold">{package}</text>'
    )


def _arrow(start: Box, end: Box) -> str:
    """Curve from the bottom of a box to the top of another, further down."""
    y1, y2 = start.y + BOX_HEIGHT / 2, end.y - BOX_HEIGHT / 2
    bend = (y2 - y1) / 2
    return (
        f'<path d="M{start.x:.0f} {y1:.0f}C{start.x:.0f} {y1 + bend:.0f} '
        f'{end.x:.0f} {y2 - bend:.0f} {end.x:.0f} {y2:.0f}" fill="none" stroke="#999" '
        'marker-end="url(#tip)"/>'
    )


def _drawn(box: Box) -> str:
    package, _, name = box.room.partition(".")
    fill, colour = COLOURS[package]
    return (
        f'<rect x="{box.x - BOX_WIDTH / 2:.0f}" y="{box.y - BOX_HEIGHT / 2:.0f}" rx="5" '
        f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" fill="{fill}" stroke="{colour}"/>'
        f'<text x="{box.x:.0f}" y="{box.y + 5:.0f}" text-anchor="middle">{escape(name)}</text>'
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), "utf-8")
    print(f"written to {PICTURE.relative_to(CLONE)}")
