"""The check below each piece of the engine that a learner types: what is missing, in a sentence.

A piece is tried on short logs first, so that the first one on which it is wrong can be read. What
is right comes from elsewhere: the recorded engine (`simulate`) and its watermark generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import permutations, product
from pathlib import Path
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.checks.deadline import TooLong, deadline
from studykit.checks.running import NotDone
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, span
from studykit.trace.stories import STORY
from studykit.trace.typed_engine import NOTEBOOKS, course_lines
from studykit.trace.words import seconds

__all__ = ["NotDone", "checked", "missing"]

DEADLINE_S: Final = 10.0
"""Wall time, in seconds, that a piece has for all logs together."""

_BEFORE_ALL: Final = -(10**18)
_TIMES_MS: Final = (0, 2_000, 7_000, 9_998, 9_999, 10_000, 13_999, 14_000, 16_999, 17_000, 24_000)
_PLAIN: Final = (Policy(keyed=True), Policy(bound_ms=0, keyed=True))
_SLIDING: Final = (*_PLAIN, Policy(slide_ms=5_000, keyed=True))
_LATE: Final = tuple(
    Policy(lateness_ms=lateness_ms, slide_ms=slide_ms, keyed=True)
    for lateness_ms, slide_ms in ((0, 10_000), (3_000, 10_000), (3_000, 5_000))
)
_REVISED: Final = 5
"""Columns of a row since lesson 05: key, start, end, revision, total; before it has no revision."""


def checked(lesson: str, mine: Any, folder: Path = NOTEBOOKS) -> Any:  # noqa: ANN401
    """Say how far a piece of the engine is, and return what the lesson goes on with.

    That is the learner's piece where it keeps the laws, and otherwise the course's, so that what
    comes after it in the lesson can be read in any case.

    Args:
        lesson: The number of the lesson that the piece is typed in, such as `05`.
        mine: The function or the class that its cells define.
        folder: The folder of the notebooks.
    """
    if trouble := missing(lesson, mine):
        print(f"{trouble} Until then this lesson goes on with the course's lines.")
        return course_lines(lesson, folder)[mine.__name__]
    print(f"{mine.__name__} keeps its laws on every log that was tried. Save the notebook.")
    return mine


def missing(lesson: str, mine: Any) -> str:  # noqa: ANN401
    """Return in a sentence what a piece of the engine lacks; empty where it lacks nothing."""
    if left := list(_holes(mine)):
        return f"Still to type: {', '.join(left)}."
    try:
        with deadline(DEADLINE_S):
            return next((f"Not yet right: {trouble}." for trouble in _TRIALS[lesson](mine)), "")
    except TooLong:
        return f"Not yet right: it is not done after {DEADLINE_S:g} s; which loop does not end?"


def _holes(mine: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the names of the functions that raise `NotDone`, in the order of the cells."""
    functions = (
        [(mine.__name__, mine)]
        if not isinstance(mine, type)
        else [
            (name, function)
            for base in reversed(mine.__mro__)
            for name, function in vars(base).items()
            if getattr(mine, name, None) is function
        ]
    )
    for name, function in functions:
        if NotDone.__name__ in getattr(getattr(function, "__code__", None), "co_names", ()):
            yield name


def _logs() -> Iterator[list[Event]]:
    """Yield logs of one event, then of two, and so on; the story comes last."""
    rng = Random(7)
    for length, _ in product(range(1, 6), range(24)):
        yield [
            Event(rng.choice(_TIMES_MS), (place + 1) * 1_000, rng.choice("ab"), rng.randint(1, 9))
            for place in range(length)
        ]
    yield list(STORY)


def _advances(advanced: Callable[..., int]) -> Iterator[str]:
    for log, bound_ms in product(_logs(), (4_000, 0)):
        clock, watermark_ms = BoundedOutOfOrderness(bound_ms), _BEFORE_ALL
        for event in log:
            clock.observe(event.event_ms)
            got = _result(advanced, watermark_ms, event.event_ms, bound_ms)
            if got != clock.watermark_ms:
                before = "at the start" if watermark_ms == _BEFORE_ALL else _said(watermark_ms)
                yield (
                    f"W is {before}, the bound {seconds(bound_ms)}, and an event of "
                    f"{seconds(event.event_ms)} comes: W is then {_said(clock.watermark_ms)}, and "
                    f"yours is {_said(got)}"
                )
            watermark_ms = clock.watermark_ms


def _engines(engine_class: Any, policies: Sequence[Policy], columns: int) -> Iterator[str]:  # noqa: ANN401
    for log, policy in product(_logs(), policies):
        engine, told = _opened(engine_class, policy, columns), 0
        for number, (rows, missed) in enumerate(_wanted(log, policy, columns), start=1):
            event = log[number - 1]
            got = _result(engine.on_event, event.key, event.event_ms, event.value)
            fresh, told = engine.rows[told:], len(engine.rows)
            if _in_order(fresh) != _in_order(rows):
                yield f"{_after(log[:number], policy)} it tells {_rows(fresh)}, not {_rows(rows)}"
            if _starts(got) != missed:
                spans = [span(start_ms, start_ms + policy.size_ms) for start_ms in missed]
                yield (
                    f"{_after(log[:number], policy)} on_event returns {got!r}, and the event has "
                    f"missed {' and '.join(spans) or 'no window: an empty list'}"
                )


def _freed(engine_class: Any) -> Iterator[str]:  # noqa: ANN401
    """Compare rows, and then ask what is held once the stream has ended."""
    yield from _engines(engine_class, _LATE, _REVISED)
    for log, policy in product(_logs(), _LATE):
        engine = _fed(_opened(engine_class, policy, _REVISED), log)
        told = len(engine.rows)
        trouble = _result(engine.end)
        steps = simulate(log, replace(policy, bounded=True)).steps
        rows = _rows_of(steps[-1].changes if steps[-1].kind == "end" else (), _REVISED)
        if _in_order(engine.rows[told:]) != _in_order(rows) or isinstance(trouble, Exception):
            fresh = trouble if isinstance(trouble, Exception) else engine.rows[told:]
            yield f"{_after(log, policy)} the end tells {_rows(fresh)}, not {_rows(rows)}"
        held = {name: len(getattr(engine, name)) for name in ("totals", "revisions", "timers")}
        if any(held.values()):
            yield f"{_after(log, policy)} and the end, it still holds {held}: law 2"


def _restored(engine_class: Any) -> Iterator[str]:  # noqa: ANN401
    for log, policy in product(_logs(), _LATE):
        wanted = _wanted(log, policy, _REVISED)
        for kill in range(len(log) + 1):
            first = _fed(_opened(engine_class, policy, _REVISED), log[:kill])
            saved = _result(first.saved)
            _fed(first, log[kill:])  # it goes on, and what was saved stays as it was
            second = _opened(engine_class, policy, _REVISED)
            trouble = _result(second.restore, saved)
            rows = [row for told, _ in wanted[kill:] for row in told]
            got = trouble if isinstance(trouble, Exception) else _fed(second, log[kill:]).rows
            if isinstance(got, Exception) or _in_order(got) != _in_order(rows):
                yield (
                    f"saved after #{kill} of {_listed(log)}, and restored, it tells {_rows(got)}, "
                    f"not {_rows(rows)}"
                )


def _upserts(upsert: Callable[..., Any]) -> Iterator[str]:
    policy = Policy(lateness_ms=3_000, keyed=True, bounded=True)
    rows = [row for told, _ in _wanted(list(STORY), policy, _REVISED) for row in told]
    for length in range(1, 4):
        for delivered in permutations([*rows, *rows], length):
            store: dict[str, Any] = {}
            for row in delivered:
                trouble = _result(upsert, store, *row)
                if isinstance(trouble, Exception):
                    yield f"a delivery of {_rows([row])} ends in {_said(trouble)}"
            newest: dict[str, Any] = {}
            for key, _, *told in delivered:
                newest[key] = max(newest.get(key, ()), tuple(told))
            if store != newest:
                yield f"after {_rows(list(delivered))} the store holds {store}, and should {newest}"


_TRIALS: Final[dict[str, Callable[[Any], Iterator[str]]]] = {
    "02": _advances,
    "03": partial(_engines, policies=_PLAIN, columns=_REVISED - 1),
    "04": partial(_engines, policies=_SLIDING, columns=_REVISED - 1),
    "05": partial(_engines, policies=_LATE, columns=_REVISED),
    "07": _freed,
    "09": _restored,
    "10": _upserts,
}
"""By lesson with a piece of the engine: what yields a sentence for each fault of the piece."""


def _opened(engine_class: Any, policy: Policy, columns: int) -> Any:  # noqa: ANN401
    more = {"slide_ms": policy.slide_ms} if policy.slide_ms else {}
    if columns == _REVISED:
        more["lateness_ms"] = policy.lateness_ms
    return engine_class(bound_ms=policy.bound_ms, size_ms=policy.size_ms, **more)


def _fed(engine: Any, log: Sequence[Event]) -> Any:  # noqa: ANN401
    for event in log:
        _result(engine.on_event, event.key, event.event_ms, event.value)
    return engine


def _wanted(
    log: Sequence[Event], policy: Policy, columns: int
) -> list[tuple[list[tuple[Any, ...]], list[int]]]:
    """Return for each event the rows that it brings, and the starts of the windows it missed."""
    wanted: list[tuple[list[tuple[Any, ...]], list[int]]] = [([], []) for _ in log]
    for step in simulate(log, policy).steps:
        place = step.number - 1 if step.number else len(log) - 1
        wanted[place][0].extend(_rows_of(step.changes, columns))
        wanted[place][1].extend(step.missed)
    return [(rows, sorted(missed)) for rows, missed in wanted]


def _rows_of(changes: Sequence[Any], columns: int) -> list[tuple[Any, ...]]:
    rows = [
        (change.key, change.start_ms, change.end_ms, change.revision, change.total)
        for change in changes
        if "fired" in change.kind
    ]
    return rows if columns == _REVISED else [(*row[:3], row[-1]) for row in rows]


def _result(function: Callable[..., Any], *args: Any) -> Any:  # noqa: ANN401
    """Return what a learner's function gives, or the exception that it ends in."""
    try:
        return function(*args)
    except Exception as error:
        return error


def _in_order(rows: Sequence[Any]) -> list[str]:
    """Return rows in an order of their own: windows due at one watermark fire in no fixed order."""
    return sorted(map(repr, rows))


def _starts(missed: Any) -> list[Any] | None:  # noqa: ANN401
    try:
        return sorted(start_ms for start_ms, _ in missed)
    except (TypeError, ValueError):
        return None


def _said(got: Any) -> str:  # noqa: ANN401
    if isinstance(got, Exception):
        return f"{type(got).__name__} ({got})"
    if isinstance(got, int | float) and abs(got) != float("inf"):
        return seconds(int(got))
    return repr(got)


def _rows(rows: Any) -> str:  # noqa: ANN401
    if isinstance(rows, Exception):
        return _said(rows)
    return " and ".join(map(str, rows)) or "nothing"


def _listed(log: Sequence[Event]) -> str:
    return ", ".join(f"{event.key} {event.value} at {seconds(event.event_ms)}" for event in log)


def _after(log: Sequence[Event], policy: Policy) -> str:
    slide = f" every {seconds(policy.step_ms)}" if policy.step_ms != policy.size_ms else ""
    late = f", lateness {seconds(policy.lateness_ms)}" if policy.lateness_ms else ""
    return (
        f"after {_listed(log)} (windows of {seconds(policy.size_ms)}{slide}, bound "
        f"{seconds(policy.bound_ms)}{late})"
    )
