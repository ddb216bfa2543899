"""A button that runs a query on the real Flink: only for a person, never by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from studykit.errors import StudyError
from studykit.figures.exhibit import Row
from studykit.trace.stories import STORY
from studykit.widgets import page

if TYPE_CHECKING:
    from studykit.flink.in_process import Flink

WATERMARK = "rt - INTERVAL '4.001' SECOND"
"""The watermark of the table: a bound of 4 s."""

MOST_ROWS = 40
"""Changes that are shown; a query without windows gives many."""


class QueryRun(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Runs the text that a function returns over the story, and shows every change of a row.

    Nothing starts before the button is pressed: a run without a person, as that of a check or of a
    grading run, only makes the button. Java stays for the next press and ends with the notebook.
    """

    def __init__(
        self,
        answer: Callable[..., str],
        flink: Callable[[], Flink] | None = None,
        **arguments: int,
    ) -> None:
        """Offer to run a query.

        Args:
            answer: The learner's function, called with `arguments` when the button is pressed.
            flink: What starts Flink, None for one in this process.
            arguments: What the function is called with.
        """
        self._answer = answer
        self._start = flink or _in_process
        self._arguments = arguments
        self._flink: Flink | None = None
        self.button = widgets.Button(
            description="Run it on the real Flink",
            tooltip="starts Flink in this notebook, and runs your query over ten events",
            layout=widgets.Layout(width="16em"),
        )
        self.said = widgets.HTML(page.status("Nothing runs yet. It takes about half a minute."))
        self.rows = widgets.HTML()
        self.button.on_click(self._run)
        super().__init__([self.button, self.said, self.rows])

    def _run(self, *_: object) -> None:
        """Run, and show the rows; whatever happens, the button can be pressed again."""
        self.button.disabled = True
        self.rows.value = ""
        try:
            query = self._answer(**self._arguments)
            self.said.value = page.status(
                "Flink starts; this takes about half a minute. Where PyFlink is missing it is "
                "installed first: 370 MB to download, once."
            )
            self._flink = self._flink or self._start()
            self._show(self._flink, query)
        except StudyError as error:
            self.said.value = page.alert(f"{error}. Your answer can be checked all the same.")
        except Exception as error:  # the learner's own, or what Flink says of their query
            self.said.value = page.alert(f"It stops with {type(error).__name__}: {_reason(error)}")
        except KeyboardInterrupt:
            self.said.value = page.alert("Interrupted: press the button again.")
        finally:
            self.button.disabled = False

    def _show(self, flink: Flink, query: str) -> None:
        flink.table("payments", STORY, WATERMARK)
        changes = flink.changes(query)
        kept = all(kind == "INSERT" for kind, *_ in changes)
        verdict = "No row is ever taken back." if kept else "Some rows are taken back again."
        self.said.value = page.status(f"{len(changes)} changes. {verdict}")
        rows: list[Row] = [
            {"change": kind, "row": ", ".join(map(str, values))}
            for kind, *values in changes[:MOST_ROWS]
        ]
        self.rows.value = page.table(rows, "What the query gives, in its order")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        words = "A button: run your query on the real Flink."
        return page.bundle(super()._repr_mimebundle_(**kwargs), b"", words)


def _in_process() -> Flink:
    from studykit.services.packages import need_flink  # noqa: PLC0415 - only if asked

    need_flink()
    from studykit.flink.in_process import Flink  # noqa: PLC0415 - it loads PyFlink

    return Flink()


def _reason(error: Exception) -> str:
    """Return the line of an error that says most: of Java's, the last cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (causes or lines[:1] or [""])[-1][:300]
