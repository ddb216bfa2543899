"""Running a submission: its cells, then its functions, whatever dies on the way.

An engine opens sessions; a session runs cells and calls until something kills it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from studykit.checks.running import Outcome
from studykit.exercises.definition import Args
from studykit.grading.sandbox import replies
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.replies import Trouble


@dataclass(frozen=True, slots=True)
class PlanCell:
    """A cell to run.

    A cell that the course adds is `given`. Any other may answer exercises: `answers` are their ids.
    """

    source: str
    answers: tuple[str, ...] = ()
    given: bool = False


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

    def answers(self, reply: dict[str, Any], within_s: float) -> list[CallAnswer]:
        """Return the answers in a reply.

        Raises:
            BadReply: It is no reply to this call.
        """
        found = replies.outcomes(reply, len(self.seeds), len(self.cases), within_s)
        return [found] if isinstance(found, str) else list(found)


CallAnswer: TypeAlias = list[Outcome] | Trouble | None
"""Outcomes of the cases; None without a function; or what kept it from answering."""


class Death(Exception):
    """The end of a session in a cell or a call."""

    def __init__(self, trouble: Trouble) -> None:
        """Keep the cause of death."""
        super().__init__(trouble)
        self.trouble: Trouble = trouble


class Crowded(Exception):
    """A submission's time was over while it waited for a processor: it is tried again alone."""


class SandboxSession(Protocol):
    """A submission in a sandbox. Both methods raise `Death` when it ends in them."""

    def run(self, source: str, within_s: float) -> tuple[str, str] | None:
        """Run a cell; return the name and the text of its error, or None."""

    def call(self, call: Call, within_s: float) -> list[CallAnswer]:
        """Ask for an exercise, once for each of its seeds."""

    def spent_s(self) -> float:
        """Return the seconds of the last request in which the submission could have run."""


class Engine(Protocol):
    """What runs submissions, one after the other."""

    limits: Limits
    alone: bool
    """Whether no other submission runs on this machine at the same time."""

    def session(self) -> AbstractContextManager[SandboxSession]:
        """Open a fresh session, and leave nothing of it behind."""

    def close(self) -> None:
        """End the engine and all that it started."""


PATIENCE: Final = 3
"""Cells without an answer that may crash before an earlier answer is suspected."""
CALL_GRACE_S: Final = 2.0
"""Seconds by which an answer to a call may be later than the call's own deadline."""


WRECKED: Final = ("crashed", "protocol")
"""Troubles of a call that a cell before it may have caused, by changing the process."""


class Execution:
    """A submission on its way: its cells, then calls, in as many sessions as it takes.

    What a session died of is left out, and the rest goes on in a fresh one. Whoever asks first for
    public cases and then for hidden ones knows all that comes of the public cases before a hidden
    case enters a sandbox.
    """

    def __init__(self, engine: Engine, cells: Sequence[PlanCell]) -> None:
        """Run `cells` before the first call; nothing runs before `ask`."""
        self._engine = engine
        self._cells = cells
        self._left_s = engine.limits.submission_s
        self._open = ExitStack()
        self._session: SandboxSession | None = None
        self._left_out: set[int] = set()
        self._crashed: list[int] = []
        self._alone = False
        self.left_out: dict[str, Trouble] = {}
        """Cells that ended a session and answer nothing, or nothing alone; and what happened."""
        self.errors: dict[str, tuple[str, str]] = {}
        """The first error of the cells of each exercise: its name and its text."""
        self.seconds: dict[str, float] = {}
        """The longest that the cases of each exercise took, once, on the wall."""

    def __enter__(self) -> Execution:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def ask(self, calls: Sequence[Call]) -> dict[str, list[CallAnswer]]:
        """Return the answers to `calls` by exercise; what there was no time for timed out.

        Raises:
            EngineFailure: The sandbox does not work.
            Crowded: The time is over, and others may be to blame.
        """
        answers: dict[str, list[CallAnswer]] = {}
        while waiting := [call for call in calls if call.exercise not in answers]:
            if self._left_s <= 0:
                answers |= {call.exercise: ["timeout"] for call in waiting}
            elif self._alone:
                self._close()
                self._attempt(waiting[:1], answers)
            else:
                self._attempt(waiting, answers)
        return answers

    def _attempt(self, calls: Sequence[Call], answers: dict[str, list[CallAnswer]]) -> None:
        """Ask for `calls`, up to where the session dies."""
        session = self._session or self._start(calls, answers)
        if session is None:
            return
        limit = self._engine.limits.call_s
        for call in calls:
            if call.exercise in answers:  # its cell stopped
                continue
            begun = time.monotonic()
            try:
                with self._timed(session, limit * len(call.seeds) + CALL_GRACE_S) as within_s:
                    found, dead = session.call(call, within_s), False
            except Death as death:
                found, dead = [death.trouble], True
            once_s = (time.monotonic() - begun) / max(1, len(found))
            self.seconds[call.exercise] = max(once_s, self.seconds.get(call.exercise, 0.0))
            if found[-1] in WRECKED and not self._alone:
                self._alone = True  # another answer may have wrecked what calls this one
                return
            answers[call.exercise] = found
            if dead:
                self._close()
                return

    def _start(
        self, calls: Sequence[Call], answers: dict[str, list[CallAnswer]]
    ) -> SandboxSession | None:
        """Open a session and run the cells in it; return it if it lives."""
        session = self._session = self._open.enter_context(self._engine.session())
        for number, cell in self._cells_for(calls):
            try:
                with self._timed(session, self._engine.limits.cell_s) as within_s:
                    error = session.run(cell.source, within_s)
            except Death as death:
                self._blame(number, cell, calls, death.trouble, answers)
                self._close()
                return None
            if error and error[0] == "MemoryError" and not cell.given:
                self._blame(number, cell, calls, "mem", answers)  # what it took is still taken
                self._close()
                return None
            if error:
                for exercise in cell.answers:
                    self.errors.setdefault(exercise, error)
        return session

    def _cells_for(self, calls: Sequence[Call]) -> Iterator[tuple[int, PlanCell]]:
        wanted = {call.exercise for call in calls}
        for number, cell in enumerate(self._cells):
            foreign = self._alone and cell.answers and not wanted.intersection(cell.answers)
            if number not in self._left_out and not foreign:
                yield number, cell

    def _blame(
        self,
        number: int,
        cell: PlanCell,
        calls: Sequence[Call],
        trouble: Trouble,
        answers: dict[str, list[CallAnswer]],
    ) -> None:
        """Leave out the cell in which the session died, and settle what it alone answers.

        Where the session died in a cell of ours, some answer before it is to blame; from then on
        each exercise is run alone.
        """
        if cell.given:
            if self._alone:
                answers[calls[0].exercise] = [trouble]
            self._alone = True
            return
        self._left_out.add(number)
        others = [
            exercise
            for place, other in enumerate(self._cells)
            if place not in self._left_out
            for exercise in other.answers
        ]
        alone = [exercise for exercise in cell.answers if exercise not in others]
        answers |= {exercise: [trouble] for exercise in alone}
        if not alone:
            self.left_out[cell.source] = trouble
        if not alone and trouble == "crashed":
            self._doubt(number, calls, answers)

    def _doubt(
        self, number: int, calls: Sequence[Call], answers: dict[str, list[CallAnswer]]
    ) -> None:
        """Where cells crash one after the other, look for what an answer before them has started.

        Then they are run again, with each exercise alone; if they crash again, that exercise did.
        """
        self._crashed.append(number)
        if len(self._crashed) < PATIENCE:
            return
        self._left_out.difference_update(self._crashed)
        self._crashed.clear()
        if self._alone:
            answers[calls[0].exercise] = ["crashed"]
        self._alone = True

    def _close(self) -> None:
        self._session = None
        self._open.close()

    @contextmanager
    def _timed(self, session: SandboxSession, at_most_s: float) -> Iterator[float]:
        """Yield how long a request may take, and take from what is left what it cost.

        To wait for a processor costs nothing, and no request costs more than it may take.
        """
        within_s = max(0.1, min(at_most_s, self._left_s))
        try:
            yield within_s
        finally:
            self._left_s -= min(within_s, session.spent_s())


EngineMaker: TypeAlias = Callable[[int], Engine]
"""From a worker's number to its engine."""
