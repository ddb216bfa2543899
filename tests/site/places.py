"""Prints where the gallery's figures are drawn: each mark and each word, a line of JSON a figure.

It runs twice: with Matplotlib, and with what the site's visitors have in its place. Places are in
points from the upper left of a picture.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studykit.drawing import style
from studykit.widgets import stepper


def places_of(figure: Any) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Yield each word and each mark that has a name, with the places that it is drawn at."""
    if hasattr(figure, "svg"):
        for artist in figure.drawn():
            name = getattr(artist, "text", "") or artist.gid
            if name:
                yield name, artist.anchors()
        return
    figure.draw_without_rendering()
    for artist in figure.findobj(lambda artist: artist.get_visible()):
        name = getattr(artist, "get_text", str)() or artist.get_gid()
        if name and not (hasattr(artist, "get_text") and is_left_out(artist)):
            high = figure.bbox.height
            points = [(x, high - y) for x, y in of_matplotlib(artist)]
            yield name, [(72 * x / figure.dpi, 72 * y / figure.dpi) for x, y in points]


def is_left_out(text: Any) -> bool:
    check = getattr(text, "_check_xy", None)
    return check is not None and not check()


def of_matplotlib(artist: Any) -> list[tuple[float, float]]:
    transform = artist.get_transform()
    if getattr(artist, "arrow_patch", None):
        return list(artist.axes.transData.transform([artist.xyann, artist.xy]))
    if hasattr(artist, "xyann"):
        artist.update_positions(artist.figure.canvas.get_renderer())
        return [transform.transform(artist.get_position())]
    if hasattr(artist, "get_text"):
        return [transform.transform(artist.get_position())]
    if hasattr(artist, "get_xydata"):
        return list(transform.transform(artist.get_xydata()))
    if hasattr(artist, "get_paths"):
        return [
            point for path in artist.get_paths() for point in transform.transform(path.vertices)
        ]
    return list(transform.transform(artist.get_path().vertices)[:4])


def main(gallery: Path) -> None:
    """Run the gallery's cells, and go through some steps of each stepper that they make."""
    figures = []

    make = stepper.Stepper.__init__

    def visited(self: stepper.Stepper, *words: Any, **options: Any) -> None:
        make(self, *words, **options)
        for step in (0, self.reel.last // 2, self.reel.last):
            figures.append(self.exhibit.draw(self.trace, step, **self._options))

    stepper.Stepper.__init__ = visited  # also for who has imported the class already
    namespace: dict[str, Any] = {}
    for cell in json.loads(gallery.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "<gallery>", "exec"), namespace)
    for figure in figures:
        svg = style.png(figure).decode() if hasattr(figure, "svg") else ""
        print(json.dumps({"places": list(places_of(figure)), "svg": svg}))


if __name__ == "__main__":  # pytest imports every module, to look for examples in it
    main(Path(sys.argv[1]))
