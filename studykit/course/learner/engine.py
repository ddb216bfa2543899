"""A learner's own engine: the answers of all labs in one file, and a race against the course's."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from flink_jobs.simulator.golden import START_MS
from studykit.checks.deadline import TooLong, deadline
from studykit.checks.hole import cells_of
from studykit.checks.progress import Progress
from studykit.course.builder.cells import load
from studykit.course.layout import Course
from studykit.course.learner.copies import copy_of
from studykit.errors import StudyError
from studykit.exercises.catalog import find_exercise, labs
from studykit.exercises.definition import Args, Exercise, Json, same
from studykit.files import write_whole

FILE: Final = "my_engine.py"
SEED: Final = 7
EVENTS: Final = 5_000
PART_S: Final = 30.0
"""Wall time, in seconds, that a part of the engine has for the whole log."""

SIZE_MS: Final = 300_000
SLIDE_MS: Final = 60_000
BOUND_MS: Final = 20_000
GAP_MS: Final = 2_000
STORY_MS: Final = 10_000
INPUTS: Final = 3
IDLE_EVERY: Final = 50
"""Of so many reports of an input's watermark, one says that the input is idle."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the engine.

    Attributes:
        exercise_id: The exercise whose answer the part is.
        does: What the part does, as a table says it.
        calls: A function from the events of a log to the calls that the race makes of the part.
    """

    exercise_id: str
    does: str
    calls: Callable[[list[list[int]]], list[Args]]

    @property
    def exercise(self) -> Exercise:
        """The exercise whose answer the part is."""
        return find_exercise(self.exercise_id)[1]


@dataclass(frozen=True, slots=True)
class Lap:
    """The result of a race for one part.

    Attributes:
        part: The part.
        rows: How many rows the two engines gave; a missing row counts.
        differing: How many of them differ.
        mine_per_s: Events a second of the learner's part.
        course_per_s: Events a second of the course's part.
        trouble: Why the part has no result; empty where it has one.
    """

    part: Part
    rows: int = 0
    differing: int = 0
    mine_per_s: float = 0
    course_per_s: float = 0
    trouble: str = ""


def _verdict_calls(events: list[list[int]]) -> list[Args]:
    calls: list[Args] = []
    highest_ms = events[0][0]
    for event_ms, _ in events:
        calls.append((event_ms, highest_ms - BOUND_MS - 1, 3_000))
        highest_ms = max(highest_ms, event_ms)
    return calls


def _stamps(events: list[list[int]]) -> list[Args]:
    """Return times in seconds, milliseconds and microseconds in turn."""
    units: list[Callable[[int], int]] = [lambda ms: ms // 1_000, int, lambda ms: ms * 1_000 + 7]
    return [(units[n % 3](event_ms),) for n, (event_ms, _) in enumerate(events)]


def _report_calls(events: list[list[int]]) -> list[Args]:
    """Return the watermarks that three inputs report in turn; now and then one falls idle."""
    reports: list[list[Json]] = [
        [f"p{n % INPUTS}", None if n % IDLE_EVERY == 0 else event_ms - BOUND_MS - 1]
        for n, (event_ms, _) in enumerate(events, start=1)
    ]
    return [([f"p{n}" for n in range(INPUTS)], reports)]


def _text_calls(events: list[list[int]]) -> list[Args]:
    """Return the payments of each window as one text, in the order in which they arrived."""
    texts: dict[int, list[str]] = {}
    highest_ms = events[0][0]
    for event_ms, cents in events:
        end_ms = event_ms - event_ms % STORY_MS + STORY_MS
        met_ms = highest_ms - BOUND_MS - 1
        texts.setdefault(end_ms, []).append(f"{event_ms} {cents} {met_ms}")
        highest_ms = max(highest_ms, event_ms)
    return [(";".join(lines), end_ms) for end_ms, lines in texts.items()]


def _partition_calls(events: list[list[int]]) -> list[Args]:
    records = [[n % INPUTS, event_ms] for n, (event_ms, _) in enumerate(events)]
    return [(records, INPUTS, BOUND_MS, STORY_MS)]


PARTS: Final = (
    Part("L01.2", "times in one unit", _stamps),
    Part("L02.2", "watermarks", lambda events: [([event[0] for event in events], BOUND_MS)]),
    Part("L03.1", "tumbling windows", lambda events: [(event[0], SIZE_MS) for event in events]),
    Part(
        "L04.1",
        "sliding windows",
        lambda events: [(event[0], SIZE_MS, SLIDE_MS) for event in events],
    ),
    Part("L04.2", "panes", lambda events: [(events, SLIDE_MS)]),
    Part("L04.4", "sessions", lambda events: [([event[0] for event in events], GAP_MS)]),
    Part("L05.1", "verdicts", _verdict_calls),
    Part("L05.5", "the whole job", lambda events: [(events, STORY_MS, BOUND_MS)]),
    Part("L06.4", "several inputs", _report_calls),
    Part("L11.6", "a window in one call", _text_calls),
    Part("L12.4", "the job by partition", _partition_calls),
)

APART: Final = (
    "No other exercise is a part: predictions, tests, SQL, settings and stores stand beside it."
)
"""Why most exercises add nothing to the engine."""


def assemble(course: Course, progress: Progress) -> tuple[Path, list[Part]]:
    """Write `labs/my_engine.py` from every answer that was passed; return its path and its parts.

    Raises:
        StudyError: No part was passed yet, or the file cannot be written.
    """
    done = passed_parts(progress)
    if not done:
        raise StudyError(
            f"no part of your engine is passed yet: the first is {PARTS[0].exercise.title}"
        )
    texts = [_answers_of(lab_number, done, course, progress) for lab_number in _numbers(done)]
    head = '"""My engine: what I wrote in the labs. `study race` runs it beside the course\'s."""\n'
    path = course.labs / FILE
    try:
        write_whole(path, "\n\n".join([head, *texts]).rstrip() + "\n")
    except OSError as error:
        raise StudyError(f"cannot write {path} ({error.strerror}): make labs/ writable") from None
    return path, done


def passed_parts(progress: Progress) -> list[Part]:
    """Return the parts whose exercises were passed, in the order of `PARTS`."""
    return [part for part in PARTS if progress.passed(part.exercise)]


def engine_line(progress: Progress) -> str:
    """Return a line that says how far the learner's engine has grown, and which part is next."""
    done = {part.exercise_id for part in passed_parts(progress)}
    marks = "".join("x" if part.exercise_id in done else "." for part in PARTS)
    following = next((part for part in PARTS if part.exercise_id not in done), None)
    rest = f"next part: {following.does}, {following.exercise_id}" if following else "`study race`"
    return f"your engine {' ' * 20}{marks}  {len(done)} of {len(PARTS)}; {rest}"


def race(path: Path, count: int = EVENTS, seed: int = SEED) -> list[Lap]:
    """Run every part that is in a learner's engine beside the course's, on one seeded log.

    Raises:
        StudyError: The file does not exist, does not run, or takes longer than `PART_S`.
    """
    try:
        namespace: dict[str, Any] = {"__name__": "my_engine"}
        with deadline(PART_S):
            exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)
    except FileNotFoundError:
        raise StudyError("you have no engine yet: `study assemble` builds it") from None
    except (Exception, SystemExit, TooLong) as error:
        raise StudyError(
            f"{path} does not run ({type(error).__name__}: {error}): `study assemble` builds "
            "it anew"
        ) from None
    events = race_payments(count, seed)
    return [_lap(part, namespace, events) for part in PARTS if part.exercise.name in namespace]


def race_payments(count: int, seed: int) -> list[list[int]]:
    """Return payments [event_ms, cents] in order of arrival: one in ten arrives up to 30 s late."""
    draw = Random(seed)
    sent = []
    for number in range(count):
        event_ms = START_MS + number * 200 + draw.randrange(200)
        delay_ms = draw.randrange(1, 30_000) if draw.random() < 0.1 else 0
        sent.append((event_ms + delay_ms, number, [event_ms, draw.randrange(100, 20_000)]))
    return [event for _, _, event in sorted(sent)]


def _lap(part: Part, namespace: Mapping[str, Any], events: list[list[int]]) -> Lap:
    exercise = part.exercise
    calls = part.calls(events)
    try:
        # Only the learner's part has a deadline: the course's own was tested.
        with deadline(PART_S):
            mine, mine_s = _timed(namespace[exercise.name], calls)
    except TooLong:
        return Lap(part, trouble=f"not done within {PART_S:g} s: what grows with the log?")
    except Exception as error:
        return Lap(part, trouble=f"stops with {type(error).__name__}: {error}")
    theirs, course_s = _timed(exercise.reference, calls)
    pairs = [pair for got, wanted in zip(mine, theirs, strict=True) for pair in _rows(got, wanted)]
    return Lap(
        part,
        rows=len(pairs),
        differing=sum(not same(got, wanted) for got, wanted in pairs),
        mine_per_s=len(events) / mine_s,
        course_per_s=len(events) / course_s,
    )


def _timed(function: Callable[..., Json], calls: Sequence[Args]) -> tuple[list[Json], float]:
    began = time.perf_counter()
    results = [function(*args) for args in calls]
    return results, max(time.perf_counter() - began, 1e-9)


def _rows(got: Json, wanted: Json) -> Iterator[tuple[Json, Json]]:
    """Yield the rows of two results pair by pair; a row that is missing is `...`."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        listed = [name for name in wanted if isinstance(wanted[name], list) and name in got]
        for name in listed:
            yield from _rows(got[name], wanted[name])
        rest = {name: value for name, value in wanted.items() if name not in listed}
        if rest:
            yield {name: got.get(name) for name in rest}, rest
    elif isinstance(wanted, list) and isinstance(got, list):
        for place in range(max(len(got), len(wanted))):
            yield (
                got[place] if place < len(got) else ...,
                wanted[place] if place < len(wanted) else ...,
            )
    else:
        yield got, wanted


def _numbers(parts: Sequence[Part]) -> list[str]:
    return sorted({part.exercise_id[1:3] for part in parts})


def _answers_of(number: str, parts: Sequence[Part], course: Course, progress: Progress) -> str:
    """Return the passed answers of a lab with all that they mention, in the order of the cells."""
    lab = next(lab for lab in labs() if lab.number == number)
    path = copy_of(lab, course)
    if path is None:
        raise StudyError(f"your copy of lab {number} is gone: put labs/my_lab{number}.ipynb back")
    cells = [cell["source"] for cell in load(path)["cells"] if cell["cell_type"] == "code"]
    cells += [code for head, code in cells_of(number) if '"setup"' in head]
    known = dict(_definitions(cells))
    wanted = [part.exercise.name for part in parts if part.exercise_id[1:3] == number]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in known and name not in needed:
            needed.add(name)
            wanted += [node.id for node in ast.walk(known[name]) if isinstance(node, ast.Name)]
    # By statement: one line may bind several of the names.
    chosen = {id(known[name]): known[name] for name in known if name in needed}
    return f"# lab {number}\n" + "\n\n".join(map(ast.unparse, chosen.values()))


def _definitions(cells: Sequence[str]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield name and statement of what each cell binds at its top level, in order."""
    for cell in cells:
        try:
            body = ast.parse(cell).body
        except (SyntaxError, ValueError):
            continue  # a cell that stops with an error binds nothing
        for statement in body:
            for name in _bound(statement):
                yield name, statement


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield (alias.asname or alias.name).partition(".")[0]
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
