"""The stepper: one trace, one figure, one step at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import ipywidgets as widgets

from studykit import style
from studykit.describe import step_sentence
from studykit.figures.exhibit import Exhibit
from studykit.steps import Trace
from studykit.widgets import page

INTERVAL_MS: Final = 700
"""Time between two steps while it plays."""


class Stepper(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Buttons and a slider over the steps of a trace, the picture, and its sentence.

    The widget holds the step and nothing else: frame k is the figure at k. It never starts by
    itself. Every control is reached with Tab; the arrow keys move the slider.
    """

    def __init__(self, trace: Trace, exhibit: Exhibit, *, step: int = 0, **options: int) -> None:
        """Show `exhibit` of `trace` after `step` steps; options go to the figure."""
        self.trace = trace
        self.exhibit = exhibit
        self._options = options
        self._frame = lru_cache(maxsize=128)(self._draw)
        self.slider = widgets.IntSlider(
            description="step", min=0, max=len(trace.steps), value=step, continuous_update=True
        )
        self.play = widgets.Play(
            min=0, max=len(trace.steps), value=step, interval=INTERVAL_MS, show_repeat=False
        )
        widgets.jslink((self.play, "value"), (self.slider, "value"))
        self.as_table = widgets.Checkbox(description="show as table", value=False, indent=False)
        self.happened = widgets.HTML()
        self.image = widgets.HTML()
        self.sentence = widgets.HTML()
        self.rows = widgets.HTML()
        self.slider.observe(self._show, "value")
        self.as_table.observe(self._show, "value")
        controls = widgets.HBox([*self._buttons(), self.play, self.slider])
        super().__init__(
            [controls, self.happened, self.sentence, self.image, self.as_table, self.rows]
        )
        self._show()

    @property
    def step(self) -> int:
        """Number of steps that have happened."""
        return int(self.slider.value)

    @step.setter
    def step(self, step: int) -> None:
        self.slider.value = step

    def show(self, trace: Trace) -> None:
        """Show another trace, at the processing time of this one; at its end if this is at its."""
        at_end = self.step == len(self.trace.steps)
        now_ms = self.trace.steps[self.step - 1].now_ms if self.step else -1
        self.trace = trace
        self._frame.cache_clear()
        last = len(trace.steps)
        step = last if at_end else trace.step_at(now_ms)
        with self.slider.hold_trait_notifications():
            self.slider.max = self.play.max = last
            self.slider.value = step
        self._show()

    def film(self) -> tuple[bytes, str]:
        """Return what remains without a kernel: before, at and after the first result."""
        last = len(self.trace.steps)
        fires = next(
            (n for n, one in enumerate(self.trace.steps, 1) if self.trace_fires(one)), last
        )
        steps = sorted({max(fires - 1, 0), fires, last})
        return page.filmstrip(map(self._frame, steps)), self._describe(last)

    @staticmethod
    def trace_fires(step: Any) -> bool:  # noqa: ANN401
        """Tell whether a window fires in `step`."""
        return any(change.kind == "fired" for change in step.changes)

    def _buttons(self) -> list[Any]:
        """Return the buttons; what each does is its tooltip and its label."""
        moves = {
            "first": lambda: 0,
            "previous": lambda: max(self.step - 1, 0),
            "next": lambda: min(self.step + 1, len(self.trace.steps)),
            "last": lambda: len(self.trace.steps),
        }
        buttons = []
        for name, target in moves.items():
            button = widgets.Button(
                description=name, tooltip=f"{name} step", layout=widgets.Layout(width="6.5em")
            )
            button.on_click(lambda _, target=target: setattr(self, "step", target()))
            buttons.append(button)
        return buttons

    def _draw(self, step: int) -> bytes:
        return style.png(self.exhibit.draw(self.trace, step, **self._options))

    def _describe(self, step: int) -> str:
        return self.exhibit.describe(self.trace, step, **self._options)

    def _show(self, *_: object) -> None:
        step, last = self.step, len(self.trace.steps)
        sentence = self._describe(step)
        self.happened.value = (
            f"<p><b>Step {step} of {last}.</b> {step_sentence(self.trace, step)}</p>"
        )
        self.image.value = page.picture(self._frame(step), sentence)
        self.sentence.value = page.status(sentence)
        self.rows.value = ""
        if self.as_table.value:
            rows = self.exhibit.table(self.trace, step, **self._options)
            self.rows.value = page.table(rows, self.exhibit.TITLE)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        return page.bundle(super()._repr_mimebundle_(**kwargs), *self.film())
