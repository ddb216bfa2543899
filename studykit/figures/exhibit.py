"""What every figure offers, so that widgets and tests treat all figures alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from matplotlib.figure import Figure

from studykit.flink.recording import JobRecording
from studykit.trace.comparison import Comparison
from studykit.trace.operators.holders import Holdings
from studykit.trace.operators.joins import JoinTrace
from studykit.trace.operators.kills import Kills
from studykit.trace.operators.serving import Serving
from studykit.trace.operators.sinks import SinkTrace
from studykit.trace.operators.waits import Waits
from studykit.trace.steps import Trace

Row: TypeAlias = dict[str, str | int]
"""A row of the table that says the same as the picture."""

Subject = TypeVar(
    "Subject",
    Trace,
    JobRecording,
    Comparison,
    JoinTrace,
    Holdings,
    Kills,
    SinkTrace,
    Serving,
    Waits,
)
"""What a figure shows, step by step."""
Subject_contra = TypeVar(
    "Subject_contra",
    Trace,
    JobRecording,
    Comparison,
    JoinTrace,
    Holdings,
    Kills,
    SinkTrace,
    Serving,
    Waits,
    contravariant=True,
)

Choices: TypeAlias = Mapping[str, tuple[str | int, ...]]
"""Options of a figure that a reader may choose, each with its values; the first is the default."""


class Exhibit(Protocol[Subject_contra]):
    """A picture of a trace after some steps, with its words. Every figure's module is an exhibit.

    A module with options that a reader may choose names them in `CHOICES`. A module whose readers
    do not know watermarks yet has `happened(trace, step)`: its own words for what a step has done.
    """

    @property
    def TITLE(self) -> str:
        """The heading: what is shown."""

    @property
    def QUESTION(self) -> str:
        """A question to think about before any control is moved."""

    def draw(self, trace: Subject_contra, step: int) -> Figure:
        """Return the picture after `step` steps."""

    def describe(self, trace: Subject_contra, step: int) -> str:
        """Return what the picture says, in words: the text for readers who do not see it."""

    def table(self, trace: Subject_contra, step: int) -> list[Row]:
        """Return what the picture says, in rows."""


def choices_of(exhibit: Exhibit[Any]) -> Choices:
    """Return the options of a figure that a reader may choose; most figures have none."""
    choices: Choices = getattr(exhibit, "CHOICES", {})
    return choices


def own_words(exhibit: Exhibit[Any], subject: Any, step: int) -> str | None:  # noqa: ANN401
    """Return what a step has done in the figure's own words; None if the figure has none."""
    happened = getattr(exhibit, "happened", None)
    return str(happened(subject, step)) if happened else None
