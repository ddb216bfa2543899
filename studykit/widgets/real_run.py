"""A button that runs something real, which takes a while: only for a person, never by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from studykit.errors import StudyError
from studykit.figures.exhibit import Row
from studykit.widgets import page

if TYPE_CHECKING:
    from studykit.services.sinks import SinkRig

READERS = ("uncommitted", "committed", "store")


class RealRun(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Plays a script of writes and commits on a real broker, beside what a function says of it.

    Nothing starts before the button is pressed: a run without a person, as that of a check or of a
    grading run, only makes the button. Broker and store are this button's own and end with the run.
    """

    def __init__(
        self,
        answer: Callable[[list[list[Any]]], dict[str, Any]],
        steps: list[list[Any]],
        rig: SinkRig | None = None,
    ) -> None:
        """Offer to play `steps`.

        Args:
            answer: The learner's function, called when the button is pressed.
            steps: What `SinkRig.play` takes.
            rig: Where to play; a workspace of its own if None.
        """
        self._answer = answer
        self._steps = steps
        self._rig = rig
        self.button = widgets.Button(
            description="Play it on a real broker",
            tooltip="starts Kafka and Redis, plays the steps, and stops both",
            layout=widgets.Layout(width="16em"),
        )
        self.said = widgets.HTML(page.status("Nothing runs yet. It takes about half a minute."))
        self.rows = widgets.HTML()
        self.button.on_click(self._play)
        super().__init__([self.button, self.said, self.rows])

    def _play(self, *_: object) -> None:
        """Run, and show both results side by side; whatever happens, stop what was started."""
        from studykit.services.sinks import SinkRig  # noqa: PLC0415 - loads clients: only if asked

        self.button.disabled = True
        self.rows.value = ""
        rig = self._rig or SinkRig("lab10")
        try:
            mine = self._answer([list(step) for step in self._steps])
            self.said.value = page.status("Kafka and Redis start; this takes about half a minute.")
            rig.start()
            self.said.value = page.status("Both answer. The steps are played.")
            real = rig.play(self._steps)
        except StudyError as error:
            self.said.value = page.alert(f"{error}. Your answer can be checked all the same.")
            return
        except Exception as error:  # the learner's own
            self.said.value = page.alert(
                f"Your function stops with {type(error).__name__}: {error}. Let its check pass "
                "first."
            )
            return
        except KeyboardInterrupt:
            self.said.value = page.alert("Interrupted: press the button again.")
            return
        finally:
            rig.stop()
            self.button.disabled = False
        self._show(mine, real)

    def _show(self, mine: dict[str, Any], real: dict[str, Any]) -> None:
        got = mine if isinstance(mine, dict) else {}
        same = all(got.get(reader) == real[reader] for reader in READERS)
        verdict = "The same for all three readers." if same else "They differ: see below."
        self.said.value = page.status(f"{verdict} Both are stopped, and nothing is left behind.")
        rows: list[Row] = [
            {"reader": reader, "yours": f"{got.get(reader)}", "the broker's": f"{real[reader]}"}
            for reader in READERS
        ]
        self.rows.value = page.table(rows, "What three readers have got")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        words = "A button: play the steps on a real broker, beside your answer."
        return page.bundle(super()._repr_mimebundle_(**kwargs), b"", words)
