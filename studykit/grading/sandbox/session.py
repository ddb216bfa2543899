"""Running a submission: its cells, then its functions, whatever dies on the way.

An engine opens sessions; a session runs cells and calls until something kills it. What killed it is
left out, and the rest goes on in a fresh session.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from studykit.checks.running import Outcome
from studykit.exercises.definition import Args
from studykit.grading.sandbox import replies
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.replies import Trouble


@dataclass(frozen=True, slots=True)
class PlanCell:
    """A cell to run; `answers` is the exercise whose answer it holds, by id, or None."""

    source: str
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An exercise to ask for: its function and cases, once for each seed."""

    exercise: str
    function: str
    cases: Sequence[Args]
    seeds: Sequence[int]

    def request(self, within_s: float) -> dict[str, Any]:
        """Return what to ask a sandbox; all cases of one time have `within_s` seconds."""
        return {
            "call": self.function,
            "cases": list(self.cases),
            "seeds": list(self.seeds),
            "within_s": within_s,
        }

    def answers(self, reply: dict[str, Any], within_s: float) -> list[Answer]:
        """Return the answers in a reply.

        Raises:
            BadReply: It is no reply to this call.
        """
        found = replies.outcomes(reply, len(self.seeds), len(self.cases), within_s)
        return [found] if isinstance(found, str) else list(found)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run of one submission."""

    cells: Sequence[PlanCell]
    calls: Sequence[Call]


Answer: TypeAlias = list[Outcome] | Trouble | None
"""Outcomes of the cases; None without a function; or what kept it from answering."""


@dataclass(slots=True)
class Ran:
    """What came of a plan, by exercise: the answers, one per seed, and errors of answer cells."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    errors: dict[str, tuple[str, str]] = field(default_factory=dict)


class Died(Exception):
    """A session that ended in a cell or a call."""

    def __init__(self, trouble: Trouble) -> None:
        """Say of what it died."""
        super().__init__(trouble)
        self.trouble: Trouble = trouble


class Session(Protocol):
    """A submission in a sandbox. Both methods raise `Died` when it ends in them."""

    def run(self, source: str, within_s: float) -> tuple[str, str] | None:
        """Run a cell; return the name and the text of its error, or None."""

    def call(self, call: Call, within_s: float) -> list[Answer]:
        """Ask for an exercise, once for each of its seeds."""


class Engine(Protocol):
    """Something that runs submissions, one after the other."""

    limits: Limits

    def session(self) -> AbstractContextManager[Session]:
        """Open a fresh session, and leave nothing of it behind."""

    def close(self) -> None:
        """End the engine and all that it started."""


CALL_GRACE_S: Final = 3.0
"""Seconds by which an answer to a call may be later than the call's own deadline."""


def run_plan(engine: Engine, plan: Plan) -> Ran:
    """Run a plan to its end; what there was no time for timed out."""
    return _Run(engine, plan).result()


class _Run:
    """One plan on its way."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._engine = engine
        self._plan = plan
        self._until = time.monotonic() + engine.limits.submission_s
        self._ran = Ran()
        self._left_out: set[int] = set()
        self._alone = False

    def result(self) -> Ran:
        while open_calls := self._open():
            if time.monotonic() > self._until:
                for call in open_calls:
                    self._settle(call, "timeout")
                break
            with self._engine.session() as session:
                self._attempt(session, open_calls[:1] if self._alone else open_calls)
        return self._ran

    def _open(self) -> list[Call]:
        return [call for call in self._plan.calls if call.exercise not in self._ran.answers]

    def _attempt(self, session: Session, calls: Sequence[Call]) -> None:
        """Run the cells and then the calls, up to where the session dies."""
        if not self._cells(session, calls):
            return
        limit = self._engine.limits.call_s
        for call in calls:
            try:
                within_s = self._left(limit * len(call.seeds) + CALL_GRACE_S)
                self._ran.answers[call.exercise] = session.call(call, within_s)
            except Died as death:
                self._settle(call, death.trouble)
                return

    def _cells(self, session: Session, calls: Sequence[Call]) -> bool:
        """Run the cells; return whether the session lives."""
        for number, cell in self._cells_for(calls):
            try:
                error = session.run(cell.source, self._left(self._engine.limits.cell_s))
            except Died as death:
                self._blame(number, cell, calls, death.trouble)
                return False
            if error and error[0] == "MemoryError" and cell.answers:
                self._blame(number, cell, calls, "mem")  # what it took is still taken
                return False
            if error and cell.answers:
                self._ran.errors.setdefault(cell.answers, error)
        return True

    def _cells_for(self, calls: Sequence[Call]) -> Iterator[tuple[int, PlanCell]]:
        wanted = {call.exercise for call in calls}
        for number, cell in enumerate(self._plan.cells):
            foreign = self._alone and cell.answers is not None and cell.answers not in wanted
            if number not in self._left_out and not foreign:
                yield number, cell

    def _blame(self, number: int, cell: PlanCell, calls: Sequence[Call], trouble: Trouble) -> None:
        """Leave out the cell in which the session died, and settle its exercise.

        Where the session died in a cell of ours, some answer before it is to blame; from then on
        each exercise is run alone.
        """
        if cell.answers is not None:
            self._left_out.add(number)
            self._settle(self._call(cell.answers), trouble)
        elif self._alone:
            self._settle(calls[0], trouble)
        else:
            self._alone = True

    def _call(self, exercise: str) -> Call:
        return next(call for call in self._plan.calls if call.exercise == exercise)

    def _settle(self, call: Call, trouble: Trouble) -> None:
        self._ran.answers[call.exercise] = [trouble]

    def _left(self, at_most_s: float) -> float:
        return max(0.1, min(at_most_s, self._until - time.monotonic()))


EngineMaker: TypeAlias = Callable[[int], Engine]
"""From a worker's number to its engine."""
