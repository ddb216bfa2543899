"""An exercise: one definition that notebooks, tests and grading all use.

A learner's answer is a function. Arguments and results are JSON values, so that the comparison can
happen in another process than the answer. A mistake that many people make is a *misconception*: a
wrong answer of our own, with the message that it deserves. Who answers every case like one of them
gets its message; everybody else gets the exercise's own.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from studykit.exercises.wording import (
    call,
    counted,
    first_difference,
    labelled,
    short,
    with_article,
)

if TYPE_CHECKING:
    from studykit.exercises.scene import Scene

Json: TypeAlias = Any
"""None, bool, int, finite float, str, or a list, or a dict by str, of JSON values."""

Args: TypeAlias = tuple[Json, ...]
Decider: TypeAlias = Callable[[Args, Json, Json], str]
"""Takes arguments, got and expected; returns words about the event that decided."""

Stage: TypeAlias = "Callable[[Args, Json, Json], Scene | None]"
"""Takes the same; returns the scene that shows it, None where there is nothing to see."""

Kind: TypeAlias = Literal["faded", "independent", "predict", "bug hunt", "write tests"]


def same(left: Json, right: Json) -> bool:
    """Return whether two JSON values are equal and of the same types all the way down.

    >>> same([1, 2], [1, 2]), same(1, True), same(2, 2.0)
    (True, False, False)
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(left == right)


def copy_json(value: Json) -> Json:
    """Return a copy as it would arrive in another process: a tuple becomes a list.

    A whole number of another library, such as numpy's, becomes an int.

    Raises:
        TypeError: The value, or a part of it, is no JSON value.
        ValueError: A number is not finite, or a list holds itself.
    """
    try:
        return _quick_copy(value)
    except (_Unusual, RecursionError):
        return json.loads(_encode(value))


class _Unusual(Exception):
    """A value of which only JSON itself says what becomes of it."""


def _quick_copy(value: Json) -> Json:
    """Return the same as JSON does, in a tenth of its time: checks copy thousands of values.

    Raises:
        _Unusual: The value, or a part of it, is none of the usual ones.
    """
    kind = type(value)
    if (
        value is None
        or kind is bool
        or (kind is int and -_LARGE < value < _LARGE)
        or (kind is str and value.isascii())
        or (kind is float and math.isfinite(value))
    ):
        return value
    if kind is list or kind is tuple:
        return [_quick_copy(part) for part in value]
    if kind is dict and all(type(name) is str and name.isascii() for name in value):
        return {name: _quick_copy(part) for name, part in value.items()}
    raise _Unusual


_LARGE: Final = 2**63


def _plain(value: Any) -> bool | int:  # noqa: ANN401
    """Return the truth value or whole number that another library's value stands for."""
    # numpy 1 and 2: their truth values are no index.
    if type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    return operator.index(value)


_encode: Final = json.JSONEncoder(allow_nan=False, default=_plain).encode


def not_json(value: object, path: str = "") -> str | None:
    """Return where in a value something is no JSON value, and what it is; None where all is.

    >>> not_json([[0, 1], [2, {3}]]), not_json([1.0, float("nan")])
    ('a set in place [1][1]', 'the number nan in place [1]')
    """
    if isinstance(value, dict):
        strange = [key for key in value if not isinstance(key, str | int | float | None)]
        if strange:
            return f"a dict with the key {short(strange[0])}, a {type(strange[0]).__name__}"
        parts = [(f"{path}[{key!r}]", part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{path}[{place}]", part) for place, part in enumerate(value)]
    else:
        return _not_plain(value, f" in place {path}" if path else "")
    return next(filter(None, (not_json(part, place) for place, part in parts)), None)


def _not_plain(value: object, where: str) -> str | None:
    try:
        copy_json(value)
    except (TypeError, RecursionError):
        kind = type(value)
        home = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        return f"{with_article(home + kind.__name__)}{where}"
    except ValueError:
        return f"the number {value}{where}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a learner reads about one wrong result. Every field is text to be shown as it is."""

    title: str
    call: str
    got: str
    expected: str
    trace: str
    rule: str
    next_step: str
    misconception: str | None = None
    diagnosis: str | None = None
    """The name of what all results have in common, where no misconception fits."""
    scene: Scene | None = None
    """The step that decides, where a picture of it says more than words."""

    @property
    def text(self) -> str:
        """The message, one labelled line per field."""
        found = self.misconception or self.diagnosis
        name = f" [{found}]" if found else ""
        lines = [f"{self.title}{name}"]
        for label in ("call", "got", "expected", "trace", "rule"):
            lines.append(labelled(label, getattr(self, label)))
        return "\n".join([*lines, labelled("next", self.next_step)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconception:
    """A wrong answer that people give. `answer` takes the arguments of the exercise.

    Its source must stand on its own, because tests put it into a copy of the lab.
    """

    name: str
    answer: Callable[..., Json]
    rule: str
    next_step: str
    trace: Decider | None = None


def _as_it_is(value: Json) -> Json:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise: what is asked, how it is checked and how it is explained.

    `fingerprint` says what about a result counts; two results with the same one are equally right.
    It accepts every JSON value. Where a result is a set of tests, for example, it is the name of
    the first of our wrong answers that survives them.
    """

    id: str
    """`L02.1`: lab 02, first exercise."""
    name: str
    """The function that the learner writes."""
    kind: Kind
    minutes: int
    task: str
    """One sentence that says what to do; shown as long as the exercise is not attempted."""
    reference: Callable[..., Json]
    cases: tuple[Args, ...]
    trace: Decider
    rule: str
    next_step: str
    hints: tuple[str, str, str]
    discussion: str
    misconceptions: tuple[Misconception, ...]
    random_case: Callable[[Random], Args] | None = None
    fingerprint: Callable[[Json], Json] = _as_it_is
    scene: Stage | None = None
    hidden: str = ""
    """What is shown in place of the expected result, where that would give the answer away."""
    points: int = 1
    equivalent: Mapping[str, str] = field(default_factory=dict)
    """Mutants of the solution that change no result, by their changed line: the reason why."""
    meaning: str = ""
    """What the fingerprint of a text says, where a diagnosis may speak of it: `the rows that your
    query gives`. A text that means nothing has the fingerprint `{"problem": why}`."""
    second: str = ""
    """The source of a second model answer, shown after a pass where it teaches something."""

    @property
    def title(self) -> str:
        """Identifier and name."""
        return f"{self.id} {self.name}"

    def public_cases(self) -> list[Args]:
        """Return the cases that learners may see, simplest first."""
        return [copy_args(args) for args in self.cases]

    def random_cases(self, rng: Random, count: int = 20) -> list[Args]:
        """Return `count` cases drawn from `rng`; none where the exercise takes no arguments."""
        if self.random_case is None:
            return []
        return [copy_args(self.random_case(rng)) for _ in range(count)]

    def expected(self, args: Args) -> Json:
        """Return the reference's result for `args`, as a JSON value."""
        return copy_json(self.reference(*copy_args(args)))

    def accepts(self, got: Json, expected: Json) -> bool:
        """Return whether a result is right. Types count: 1 is not True, and 2 is not 2.0."""
        return same(self.fingerprint(got), self.fingerprint(expected))

    def shown(self, expected: Json) -> str:
        """Return what a learner may see of an expected result."""
        return self.hidden or short(expected)

    def explain(
        self,
        args: Args,
        got: Json,
        expected: Json,
        others: Iterable[tuple[Args, Json]] | None = (),
    ) -> Message:
        """Explain a wrong result: by its misconception where exactly one fits, else by the rule.

        Args:
            args: The case that is shown.
            got: What the learner's function returned.
            expected: What the reference returns.
            others: More results of the same function, which tell misconceptions apart; None
                where not all are known, so that no misconception can be named.
        """
        found = None if others is None else self.suspect([(args, got), *others])
        trace = found.trace if found and found.trace else self.trace
        return Message(
            title=self.title,
            call=call(self.name, self.reference, args),
            got=_described(got, expected),
            expected=self.shown(expected),
            trace=_traced(trace, args, got, expected),
            rule=found.rule if found else self.rule,
            next_step=found.next_step if found else self.next_step,
            misconception=found.name if found else None,
            scene=_staged(self.scene, args, got, expected),
        )

    def suspect(self, results: Sequence[tuple[Args, Json]]) -> Misconception | None:
        """Return the misconception that would have given all `results`; None if none or several."""
        fitting = [
            misconception
            for misconception in self.misconceptions
            if all(self._agrees(misconception, args, got) for args, got in results)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _agrees(self, misconception: Misconception, args: Args, got: Json) -> bool:
        try:
            theirs = copy_json(misconception.answer(*copy_args(args)))
        except Exception:  # a wrong answer may break where the learner's does not
            return False
        return same(self.fingerprint(theirs), self.fingerprint(got))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """The exercises of one notebook, in order. `name` is its file's name: `lab02_watermarks`."""

    name: str
    title: str
    exercises: tuple[Exercise, ...]

    @property
    def number(self) -> str:
        """Two digits."""
        return self.name[3:5]


def copy_args(args: Args) -> Args:
    """Return a deep copy of the arguments of a case."""
    return tuple(copy_json(list(args)))


def _described(got: Json, expected: Json) -> str:
    """Show a result, with its type where only that is wrong."""
    if got == expected and type(got) is not type(expected):
        mine, asked = (with_article(type(value).__name__) for value in (got, expected))
        return f"{short(got)}, {mine}; asked for: {asked}"
    return short(got)


def _traced(trace: Decider, args: Args, got: Json, expected: Json) -> str:
    """Return the trace; a result of another shape than the expected one has none to compare."""
    try:
        return trace(args, got, expected)
    except (TypeError, ValueError, LookupError, AttributeError):
        wanted, found = type(expected).__name__, type(got).__name__
        if got is None:
            return f"nothing came back: does every way through your function `return` a {wanted}?"
        if wanted != found:
            return f"asked for is a value of type {wanted}; what came is of type {found}"
        return _first_difference(got, expected)


def _first_difference(got: Json, expected: Json) -> str:
    """Say where a result first differs from one of its type, without saying what is right."""
    if isinstance(got, list):
        right = first_difference(got, expected)
        if right == len(got):
            return f"your list ends after {counted(right, 'item')}; more is asked for"
        return f"item {right + 1} of your list is {short(got[right])}, which has no place there"
    if isinstance(got, dict):
        wrong = [name for name in sorted({*got, *expected}) if got.get(name) != expected.get(name)]
        return f"{short(wrong[0])} is not as it is asked for" if wrong else ""
    return f"{short(got)} is not what is asked for"


def _staged(stage: Stage | None, args: Args, got: Json, expected: Json) -> Scene | None:
    """Return the scene; a result of another shape than the expected one has none."""
    try:
        return stage(args, got, expected) if stage else None
    except (TypeError, ValueError, LookupError, AttributeError):
        return None
