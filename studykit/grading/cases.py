"""The cases that a submission is asked: the check's own, private ones, and hidden ones.

Hidden cases are drawn by the secret and the work itself. The same work is asked the same cases as
often as it is graded; another work is asked others, so that nothing that came out of one hand-in
helps the next. They are equally hard for everybody: each set holds the same number of cases of each
kind, and a kind is told by the wrong answers of the exercise that a case finds out.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import marshal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.judging import cases_of
from studykit.errors import StudyError
from studykit.exercises.definition import Args, Exercise, Lab, copy_args, copy_json
from studykit.grading.secret import Secret

HIDDEN: Final = 20
"""Hidden cases for each exercise that takes arguments."""
SAMPLE: Final = 100
"""Cases in the sample from which a drawer learns the kinds of an exercise."""
RARE: Final = 5
"""Fewest cases of a kind in the sample; a rarer kind is asked of nobody."""
DRAWS: Final = 40 * HIDDEN
"""Most cases that are drawn to find those of the kinds that are due."""
PACK_S: Final = 10.0
"""Seconds in which a private pack must be read, and its cases be answered by the references."""

Kind: TypeAlias = frozenset[str]
"""The names of the wrong answers that a case finds out."""


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of an exercise for one work."""

    public: Sequence[Args]
    """Those of the check in the notebook: everybody may know them."""
    hidden: Sequence[Args]
    """Private ones first, which are the same for everybody; then those of this work alone."""


def work_of(sources: Sequence[str]) -> str:
    """Return a name for what a submission runs: other sources, another name."""
    sha = hashlib.sha256()
    for source in sources:
        data = source.encode("utf-8", "surrogatepass")
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()


class Drawer:
    """Draws the cases of one lab."""

    def __init__(
        self, lab: Lab, secret: Secret, private: Mapping[str, Sequence[Args]] | None = None
    ) -> None:
        """Draw by `secret`; ask everybody the `private` cases too, which are by exercise id."""
        self._lab = lab
        self._secret = secret
        self._private = private or {}
        self._dues: dict[str, Counter[Kind]] = {}
        self._public: dict[str, list[Args]] = {}

    def cases(self, exercise: Exercise, work: str) -> Cases:
        """Return what the answer to an exercise is asked in a work."""
        if exercise.id not in self._public:
            self._public[exercise.id] = cases_of(exercise)
        private = self._private.get(exercise.id, ())
        rng = self._secret.random(self._lab.name, work, exercise.id)
        return Cases(
            self._public[exercise.id], [*private, *draw(exercise, rng, self.due(exercise))]
        )

    def due(self, exercise: Exercise) -> Counter[Kind]:
        """Return how many cases of each kind everybody is asked."""
        if exercise.id not in self._dues:
            rng = self._secret.random(self._lab.name, "kinds", exercise.id)
            self._dues[exercise.id] = due(exercise, rng)
        return self._dues[exercise.id]


def kind_of(exercise: Exercise, args: Args) -> Kind:
    """Return which wrong answers of an exercise a case finds out."""
    expected = exercise.expected(args)
    plain = marshal.dumps(args)  # an answer may change what it is given; this copies quickest
    found = set()
    for misconception in exercise.misconceptions:
        try:
            value = misconception.answer(*marshal.loads(plain))
            right = exercise.accepts(copy_json(value), expected)
        except Exception:  # a wrong answer may stop with anything
            right = False
        if not right:
            found.add(misconception.name)
    return frozenset(found)


def due(exercise: Exercise, rng: Random) -> Counter[Kind]:
    """Return a share of `HIDDEN` cases for each kind that is not rare, at least one of each."""
    sample = exercise.random_cases(rng, SAMPLE)
    seen = Counter(kind_of(exercise, args) for args in sample)
    usual = {kind: count for kind, count in seen.items() if count >= RARE}
    shares = Counter(dict.fromkeys(usual, 1))
    while usual and shares.total() < HIDDEN:
        # Sorted: a set has another order in each process, and equal shares would go elsewhere.
        shares[max(usual, key=lambda kind: (usual[kind] / shares[kind], sorted(kind)))] += 1
    return shares


def draw(exercise: Exercise, rng: Random, shares: Mapping[Kind, int]) -> list[Args]:
    """Return a case for each share, drawn from `rng`; none where there are no arguments."""
    left = Counter(shares)
    found: list[Args] = []
    for _ in range(DRAWS):
        if left.total() == 0:
            break
        (args,) = exercise.random_cases(rng, 1)
        kind = kind_of(exercise, args)
        if left[kind] > 0:
            left[kind] -= 1
            found.append(args)
    return found


def private_cases(folder: Path, lab: Lab) -> dict[str, list[Args]]:
    """Return the cases that a private pack has for a lab: `CASES` in `<lab>.py`.

    Raises:
        StudyError: The pack has no such file, or it does not run, or a case is none that the
            exercise's own reference can answer.
    """
    path = folder / f"{lab.name}.py"
    given = _read_pack(path)
    exercises = {exercise.id: exercise for exercise in lab.exercises}
    found: dict[str, list[Args]] = {}
    for name, cases in given.items():
        if name not in exercises:
            known = ", ".join(exercises)
            raise StudyError(f"{path}: {lab.name} has no exercise {name!r}; it has {known}")
        if not isinstance(cases, list | tuple):
            raise StudyError(f"{path}: the cases of {name} are no list: {_short(cases)}")
        found[name] = [_valid(path, exercises[name], args) for args in cases]
    return found


def _read_pack(path: Path) -> dict[Any, Any]:
    spec = importlib.util.spec_from_file_location(f"private_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise StudyError(f"there is no {path}: name the file after the lab")
    module = importlib.util.module_from_spec(spec)
    try:
        with deadline(PACK_S):
            spec.loader.exec_module(module)
        return dict(module.CASES.items())
    except (Exception, SystemExit, TooLong) as error:
        reason = str(error) or type(error).__name__
        raise StudyError(
            f"{path} does not hold CASES, a dict from exercise id to tuples of arguments: {reason}"
        ) from None


def _valid(path: Path, exercise: Exercise, args: Any) -> Args:  # noqa: ANN401
    """Return the arguments of a case as JSON values.

    Raises:
        StudyError: They are no tuple, no JSON, too few or many, or the reference stops with them.
    """
    where = f"{path}: {exercise.id}: the case {_short(args)}"
    if not isinstance(args, list | tuple):
        raise StudyError(f"{where} is no tuple of arguments: write ({_short(args)},)")
    signature = inspect.signature(exercise.reference)
    try:
        signature.bind(*args)
    except TypeError:
        takes = ", ".join(signature.parameters) or "none"
        raise StudyError(
            f"{where} has {len(args)} arguments; {exercise.name} takes ({takes})"
        ) from None
    try:
        plain = copy_args(tuple(args))
    except (TypeError, ValueError, RecursionError):
        raise StudyError(
            f"{where} is not made of JSON values: use numbers, texts, lists and dicts by text"
        ) from None
    try:
        with deadline(PACK_S):
            exercise.expected(plain)
    except (Exception, TooLong) as error:
        raise StudyError(
            f"{where} cannot be answered by the reference: {type(error).__name__}: {error}"
        ) from None
    return plain


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
