"""The stepper: one trace, one figure, one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import ipywidgets as widgets

from studykit.drawing import style
from studykit.drawing.film import filmstrip
from studykit.figures.exhibit import Exhibit, Subject, choices_of, own_words
from studykit.widgets import page
from studykit.widgets.reel import Playable, reel_of

INTERVAL_MS: Final = 700
"""Wall time between two steps while a stepper plays, milliseconds."""


class Stepper(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Buttons and a slider over the steps of a trace, the picture, and its sentence.

    The widget holds the step and nothing else: frame k is the figure at step k. It never plays by
    itself. Tab reaches every control; the arrow keys move the slider. `previous` and `next` go by
    step, by event, by firing, or to events that are behind the watermark.
    """

    def __init__(
        self,
        trace: Subject,
        exhibit: Exhibit[Subject],
        *,
        step: int = 0,
        stills: Sequence[int] | None = None,
        **options: int | str,
    ) -> None:
        """Show a figure step by step.

        Args:
            trace: A trace, or a recording of a job.
            exhibit: The figure.
            step: The step to begin with.
            stills: Steps that remain as pictures where no kernel runs; if None those before, at
                and after the first result.
            options: Options of the figure, by name; those in its `CHOICES` have a control.
        """
        self.trace: Any = trace
        self.exhibit: Any = exhibit
        self.reel = reel_of(trace)
        self._options = dict(options)
        self._stills = stills
        self._frame = lru_cache(maxsize=128)(self._draw)
        self.slider, self.play = _slider_and_play(self.reel.last, step)
        self.choices = {
            name: self._choice(name, values) for name, values in choices_of(exhibit).items()
        }
        self.jump = widgets.Dropdown(
            description="jump by", options=self._kinds(), value="step",
            tooltip="what previous and next go to", style={"description_width": "4.5em"},
            layout=widgets.Layout(width="12em", flex="0 0 auto"),
        )  # fmt: skip
        self.as_table = widgets.Checkbox(description="show as table", value=False, indent=False)
        self.happened = widgets.HTML()
        self.image = widgets.HTML()
        self.sentence = widgets.HTML()
        self.rows = widgets.HTML()
        self.slider.observe(self._show, "value")
        self.as_table.observe(self._show, "value")
        controls = widgets.HBox(
            [*self._buttons(), self.jump, self.play, self.slider],
            layout=widgets.Layout(flex_flow="row wrap"),  # with large letters not all fit in a row
        )
        super().__init__(
            [
                controls,
                *self.choices.values(),
                self.happened,
                self.sentence,
                self.image,
                self.as_table,
                self.rows,
            ]
        )
        self._show()

    @property
    def step(self) -> int:
        """Number of steps that have happened."""
        return int(self.slider.value)

    @step.setter
    def step(self, step: int) -> None:
        self.slider.value = step

    def show(self, trace: Playable) -> None:
        """Show another trace at the same processing time; at its end if this one is at its end.

        So a learner who turns a knob sees the same moment under another policy.
        """
        at_end = self.step == self.reel.last
        now_ms = self.reel.times[self.step]
        self.trace = trace
        self.reel = reel_of(trace)
        self._frame.cache_clear()
        last = self.reel.last
        step = last if at_end else self.reel.step_at(now_ms)
        kind = self.jump.value
        self.jump.options = self._kinds()
        self.jump.value = kind if kind in self._kinds() else "step"
        # Both at once: a maximum below the value would move the slider, and draw a step in vain.
        with self.slider.hold_trait_notifications():
            self.slider.max = self.play.max = last
            self.slider.value = step
        self._show()

    def film(self) -> tuple[bytes, str]:
        """Return the filmstrip for a page without a kernel, and the sentence of its last still."""
        stills = self.reel.stills if self._stills is None else self._stills
        return filmstrip(map(self._frame, stills)), self._describe(stills[-1])

    def _choice(self, name: str, values: Sequence[int | str]) -> Any:  # noqa: ANN401
        """Return the control of an option; a change draws the step anew."""
        control = widgets.Dropdown(
            description=name, options=list(values), value=self._options.get(name, values[0]),
            style={"description_width": "7em"},
            layout=widgets.Layout(width="auto", min_width="20em"),  # as wide as its longest option
        )  # fmt: skip
        control.observe(self._choose, "value")
        return control

    def _choose(self, *_: object) -> None:
        self._options |= {name: control.value for name, control in self.choices.items()}
        self._frame.cache_clear()
        self._show()

    def _buttons(self) -> list[Any]:
        """Return the buttons; what each does is its tooltip and its label."""
        moves = {
            "first": lambda: 0,
            "previous": lambda: max((at for at in self._marks() if at < self.step), default=0),
            "next": lambda: min(
                (at for at in self._marks() if at > self.step), default=self.reel.last
            ),
            "last": lambda: self.reel.last,
        }
        buttons = []
        for name, target in moves.items():
            button = widgets.Button(
                description=name,
                tooltip=f"{name} step",
                layout=widgets.Layout(width="6.5em", flex="0 0 auto"),
            )
            button.on_click(lambda _, target=target: setattr(self, "step", target()))
            buttons.append(button)
        return buttons

    def _kinds(self) -> list[str]:
        """Return the kinds of landmarks that this trace has."""
        return [name for name, steps in self.reel.landmarks.items() if steps]

    def _marks(self) -> Sequence[int]:
        """Return the steps that `previous` and `next` go to."""
        return self.reel.landmarks[self.jump.value]

    def _draw(self, step: int) -> bytes:
        return style.png(self.exhibit.draw(self.trace, step, **self._options))

    def _describe(self, step: int) -> str:
        return str(self.exhibit.describe(self.trace, step, **self._options))

    def _show(self, *_: object) -> None:
        step, last = self.step, self.reel.last
        sentence = self._describe(step)
        words = own_words(self.exhibit, self.trace, step) or self.reel.words[step]
        more = "" if words == sentence else f" {words}"  # at first both say: nothing yet
        self.happened.value = f"<p><b>Step {step} of {last}.</b>{more}</p>"
        self.image.value = page.picture(self._frame(step), sentence)
        self.sentence.value = page.status(sentence)
        self.rows.value = ""
        if self.as_table.value:
            rows = self.exhibit.table(self.trace, step, **self._options)
            self.rows.value = page.table(rows, self.exhibit.TITLE)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        return page.bundle(super()._repr_mimebundle_(**kwargs), *self.film())


def _slider_and_play(last: int, step: int) -> tuple[Any, Any]:
    """Return the slider over steps 0 to `last`, both included, and the button that moves it."""
    slider = widgets.IntSlider(
        description="step", min=0, max=last, value=step, continuous_update=True,
        layout=widgets.Layout(width="22em", flex="1 1 22em"),
    )  # fmt: skip
    play = widgets.Play(min=0, max=last, value=step, interval=INTERVAL_MS, show_repeat=False)
    # In the browser, not here: the slider keeps moving while the kernel draws a step.
    widgets.jslink((play, "value"), (slider, "value"))
    return slider, play
