"""The explorer: a stepper with sliders for the policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

import ipywidgets as widgets
from msgspec.structs import replace

from studykit.figures.exhibit import Exhibit
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, PolicyError, Trace
from studykit.widgets import page
from studykit.widgets.stepper import Stepper

Knob: TypeAlias = Literal["bound", "lateness", "size", "slide", "gap", "idle"]

_LIMITS: Final[dict[str, tuple[int, int, str]]] = {
    "bound": (0, 10, "bound (s)"),
    "lateness": (0, 10, "lateness (s)"),
    "size": (1, 20, "size (s)"),
    "slide": (1, 20, "slide (s)"),
    "gap": (1, 20, "gap (s)"),
    "idle": (0, 20, "idle after (s)"),
}
"""Smallest and largest value of each slider, in seconds, and its label."""


class Explorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A stepper with a slider for each knob of the policy; the engine runs again at each change.

    An idleness of 0 s means that no input ever becomes idle.
    """

    def __init__(
        self,
        events: Iterable[Event],
        exhibit: Exhibit[Trace],
        policy: Policy | None = None,
        *,
        knobs: Sequence[Knob] = ("bound", "lateness"),
        stills: Sequence[int] | None = None,
        **options: int | str,
    ) -> None:
        """Show a figure of a stream at its end.

        Args:
            events: The stream.
            exhibit: The figure.
            policy: The policy to begin with; `Policy()` if None.
            knobs: The knobs that have a slider; the others stay as `policy` has them.
            stills: Steps that remain as pictures where no kernel runs, as in `Stepper`.
            options: Options of the figure, by name.
        """
        self._events = tuple(events)
        self._policy = policy or Policy()
        trace = simulate(self._events, self._policy)
        self.stepper = Stepper(trace, exhibit, step=len(trace.steps), stills=stills, **options)
        self.sliders = {name: self._slider(name) for name in knobs}
        self.problem = widgets.HTML()
        for slider in self.sliders.values():
            slider.observe(self._turn, "value")
        super().__init__([*self.sliders.values(), self.problem, self.stepper])

    @property
    def policy(self) -> Policy:
        """The policy that the sliders stand for.

        Raises:
            PolicyError: The values do not go together, as a slide that does not divide the size.
        """
        turned = {f"{name}_ms": slider.value * 1_000 for name, slider in self.sliders.items()}
        if "idle_ms" in turned:
            turned["idle_ms"] = turned["idle_ms"] or None
        return replace(self._policy, **turned)

    def _slider(self, name: Knob) -> Any:  # noqa: ANN401
        low, high, label = _LIMITS[name]
        value_ms = getattr(self._policy, f"{name}_ms")
        if value_ms is None:
            value_ms = {"slide": self._policy.size_ms}.get(name, low * 1_000)
        value = min(max(value_ms // 1_000, low), high)
        return widgets.IntSlider(
            # Only when the slider is let go: each change runs the engine over the whole stream.
            description=label, min=low, max=high, value=value, continuous_update=False,
            style={"description_width": "7em"},
        )  # fmt: skip

    def _turn(self, *_: object) -> None:
        try:
            policy = self.policy
        except PolicyError as error:
            self.problem.value = page.alert(str(error))
            return  # the last picture stays, which a learner may compare
        self.problem.value = ""
        self.stepper.show(simulate(self._events, policy))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        return page.bundle(super()._repr_mimebundle_(**kwargs), *self.stepper.film())
