"""What every figure offers: widgets and tests treat all figures alike."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from matplotlib.figure import Figure

from studykit.steps import Trace

Row: TypeAlias = dict[str, str | int]
"""A row of the table that says the same as the picture."""


class Exhibit(Protocol):
    """A picture of a trace after some steps, with its words. Each module of figures is one."""

    @property
    def TITLE(self) -> str:
        """What is shown."""

    @property
    def QUESTION(self) -> str:
        """What to think about before anything is moved."""

    def draw(self, trace: Trace, step: int) -> Figure:
        """Return the picture."""

    def describe(self, trace: Trace, step: int) -> str:
        """Return what the picture says, in words."""

    def table(self, trace: Trace, step: int) -> list[Row]:
        """Return what the picture says, in rows."""
