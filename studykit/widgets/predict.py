"""Predict: a question that a learner answers before the result is shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import msgspec

from studykit.widgets import page
from studykit.workspace import Workspace


class Predict(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A question with answers to choose from; the right one is shown after the learner's choice.

    The learner's answer is kept. A run of the notebook without a person goes on without an answer.
    """

    def __init__(
        self,
        question: str,
        choices: Sequence[object],
        answer: object,
        because: str = "",
        *,
        reveal: Any = None,  # noqa: ANN401
        keep_in: Path | None = None,
    ) -> None:
        """Ask a question.

        Args:
            question: The question.
            choices: The answers to choose from.
            answer: The right one of them. A lesson takes it from a trace, never from its author.
            because: A sentence that says why; it is shown with the right answer.
            reveal: A widget that is shown with the right answer.
            keep_in: The file that answers are appended to; the workspace's if None.

        Raises:
            ValueError: The right answer is not among the choices.
        """
        self.question = question
        self.answer = str(answer)
        self.given: str | None = None
        self._because = because
        self._reveal = reveal
        self._keep_in = keep_in
        names = [str(choice) for choice in choices]
        if self.answer not in names:
            raise ValueError(f"the answer {self.answer!r} is not a choice: choose from {names}")
        self.choices = widgets.RadioButtons(options=names, value=None)
        self.button = widgets.Button(description="That is my guess", disabled=True)
        self.verdict = widgets.HTML()
        self.choices.observe(self._ready, "value")
        self.button.on_click(self._judge)
        asked = widgets.HTML(f"<p><b>Predict.</b> {question}</p>")
        self._asked: list[Any] = [asked, self.choices, self.button, self.verdict]
        super().__init__(self._asked)

    def _ready(self, *_: object) -> None:
        self.button.disabled = self.choices.value is None or self.given is not None

    def _judge(self, *_: object) -> None:
        """Keep the answer, and only then say what is right."""
        self.given = self.choices.value
        # One answer only: a second one, after the truth was shown, would be no prediction.
        self.button.disabled = self.choices.disabled = True
        problem = self._keep()
        right = self.given == self.answer
        said = "Yes" if right else f"You said {self.given}; it is {self.answer}"
        self.verdict.value = page.status(f"{said}. {self._because}") + problem
        if self._reveal is not None:
            self.children = [*self._asked, self._reveal]

    def _keep(self) -> str:
        """Append the answer to the learner's own record; return what to say if that fails."""
        path = self._keep_in or Workspace.of_clone(os.environ).home / "predictions.jsonl"
        line = msgspec.json.encode(
            {"question": self.question, "given": self.given, "right": self.given == self.answer}
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as record:
                record.write(line + b"\n")
        except OSError as error:
            return page.alert(f"Your answer was not kept ({error.strerror}); go on all the same.")
        return ""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        options = " / ".join(self.choices.options)
        sentence = f"Predict. {self.question} ({options})"
        return page.bundle(super()._repr_mimebundle_(**kwargs), b"", sentence)
