"""What grading found, as it is kept: plain, frozen, to JSON and back unchanged."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

SubmissionStatus: TypeAlias = Literal["graded", "missing", "unreadable", "rejected", "infra_error"]
ExerciseVerdict: TypeAlias = Literal[
    "pass", "fail", "timeout", "crashed", "mem", "output", "protocol"
]


class Score(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One exercise of one submission."""

    id: str
    verdict: ExerciseVerdict
    points: int
    """What the exercise is worth; `earned` is all of it or nothing."""
    earned: int
    attempted: bool = True
    misconception: str = ""
    feedback: str = ""
    """For the student: made of public cases only."""
    detail: str = ""
    """For the instructor: may show hidden cases."""
    flaky: bool = False
    hidden: bool = False
    """Whether the public cases are right and a hidden one decided; its student reads `fail`."""
    seconds: float = 0.0
    """Longest time in which all cases were answered once, waiting for a processor included."""

    @property
    def told(self) -> ExerciseVerdict:
        """The verdict that the student may read: how a hidden case fails is not for them."""
        return "fail" if self.hidden else self.verdict


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One submission. `key` changes with everything that its marks depend on."""

    student: str
    key: str
    status: SubmissionStatus
    exercises: tuple[Score, ...] = ()
    reason: str = ""
    """Why the submission was not graded."""
    file: str = ""
    submitted: str = ""
    restored: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    """Why an instructor must first decide whose submission this is."""
    seconds: float = 0.0
    code: tuple[str, ...] = ()
    """Its own cells, as evidence: cut where they are long, and not all where they are many."""
    journal: tuple[tuple[str, str], ...] = ()
    """Headings, and what the student wrote below them for a person; no mark depends on it."""
    shingles: tuple[int, ...] = ()
    """What its answers are made of; two submissions that share most of it are alike."""

    @property
    def earned(self) -> int:
        """Points before late policy and overrides."""
        return sum(score.earned for score in self.exercises)

    @property
    def flags(self) -> tuple[str, ...]:
        """`restored`, `review`, `flaky`: what a person should look at."""
        found = {
            "restored": bool(self.restored),
            "review": bool(self.review) or self.status in ("unreadable", "rejected"),
            "flaky": any(score.flaky for score in self.exercises),
        }
        return tuple(name for name, there in found.items() if there)
