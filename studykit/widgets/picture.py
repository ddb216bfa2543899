"""A picture in a lesson: one figure at one step, with its words."""

from __future__ import annotations

from html import escape

from studykit import style
from studykit.figures.exhibit import Exhibit
from studykit.steps import Trace
from studykit.widgets import page


class Picture:
    """A figure that stands still. It needs no kernel, and says in words what it shows."""

    def __init__(
        self, trace: Trace, exhibit: Exhibit, step: int | None = None, **options: int
    ) -> None:
        """Show `exhibit` of `trace` after `step` steps, at its end if None."""
        self.step = len(trace.steps) if step is None else step
        self.sentence = exhibit.describe(trace, self.step, **options)
        self.png = style.png(exhibit.draw(trace, self.step, **options))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        image = page.picture(page.filmstrip([self.png]), self.sentence)
        return {
            "text/html": f"{image}<p>{escape(self.sentence)}</p>",
            "text/plain": self.sentence,
        }
