"""A picture in a lesson: one figure at one step, with its words."""

from __future__ import annotations

from typing import Any

from studykit.drawing import style
from studykit.drawing.film import filmstrip
from studykit.figures.exhibit import Exhibit, Subject
from studykit.widgets import page
from studykit.widgets.reel import reel_of


class Picture:
    """A figure at one step. It needs no kernel, and its sentence says what it shows."""

    def __init__(
        self,
        trace: Subject,
        exhibit: Exhibit[Subject],
        step: int | None = None,
        **options: int | str,
    ) -> None:
        """Show a figure of a trace.

        Args:
            trace: The trace, or a recording of a job.
            exhibit: The figure.
            step: How many steps have happened; all if None.
            options: Options of the figure, by name.
        """
        self.step = reel_of(trace).last if step is None else step
        show: Any = exhibit  # the options are the module's own
        self.sentence = show.describe(trace, self.step, **options)
        self.png = style.png(show.draw(trace, self.step, **options))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return page.bundle(None, filmstrip([self.png]), self.sentence)
