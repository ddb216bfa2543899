"""A person's job, run over many logs: a Python function or a Python class."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from numbers import Integral, Number
from pathlib import Path
from traceback import walk_tb
from typing import Any, Final, Protocol

from flink_jobs.errors import ForeseenError
from studykit.adversary.logs import Log
from studykit.adversary.truth import Tally
from studykit.trace.steps import Event

_MODULE: Final = "job_on_trial"
"""The name of a job's module: that of its file might be one that Python has loaded already."""


class JobError(ForeseenError):
    """A job that cannot be run. The text is one sentence that names the job and the remedy."""


class Job(Protocol):
    """What the search needs of a job: to run it over logs."""

    restarts: bool
    """Whether the job can stop with a snapshot and go on from it."""
    wide: bool
    """Whether a batch of logs takes the job about as long as a single log."""

    def run(self, logs: Sequence[Log]) -> list[Tally]:
        """Return what the job makes of each log, in order."""


class FunctionJob:
    """A function from a log, in order of arrival, to rows.

    The function gets a list of dicts with `offset`, `key`, `event_ms` and `value`. It returns dicts
    with `key`, `window_start`, `window_end` (milliseconds; the end is not inside) and `value`. A
    later row of a window replaces an earlier one. A dict `{"late": offset}` reports an event that
    is in no window.
    """

    restarts = False
    wide = False

    def __init__(
        self, function: Callable[[list[dict[str, Any]]], Iterable[Mapping[str, Any]]]
    ) -> None:
        """Take a function; it is called once for each log."""
        self._function = function

    def run(self, logs: Sequence[Log]) -> list[Tally]:
        """Return the function's result for each log.

        Raises:
            JobError: The function fails, or returns something that is no row.
        """
        return [_result(log, lambda log: self._function(_dicts(log.events))) for log in logs]


class ClassJob:
    """A class with `on_event(event) -> rows` and `end() -> rows`; rows as of `FunctionJob`.

    With `snapshot() -> state` and `restore(state)` it can be restarted.
    """

    wide = False

    def __init__(self, kind: Callable[[], Any]) -> None:
        """Take a class; each log gets an instance, and each restart another one."""
        self._kind = kind
        self.restarts = hasattr(kind, "snapshot") and hasattr(kind, "restore")

    def run(self, logs: Sequence[Log]) -> list[Tally]:
        """Return the result of an instance for each log.

        Raises:
            JobError: An instance fails, or returns something that is no row.
        """
        return [_result(log, self._rows) for log in logs]

    def _rows(self, log: Log) -> list[Mapping[str, Any]]:
        job = self._kind()
        rows: list[Mapping[str, Any]] = []
        for place, event in enumerate(_dicts(log.events)):
            if place == log.restart:
                job = self._successor(job)
            rows += job.on_event(event) or []
        if log.restart == len(log.events):
            job = self._successor(job)
        return [*rows, *(job.end() or [])]

    def _successor(self, job: Any) -> Any:  # noqa: ANN401 - somebody's own class
        successor = self._kind()
        successor.restore(job.snapshot())
        return successor


def load(path: Path, name: str | None) -> Job:
    """Return the job in a Python file.

    Args:
        path: The file. Its code is run in this process: it is the user's own.
        name: The function or class; None takes the only public one.

    Raises:
        JobError: The file cannot be run, or the name is not in it.
    """
    if not path.is_file():
        raise JobError(f"there is no file {path}: give the job's own")
    spec = spec_from_file_location(_MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[_MODULE] = module_from_spec(spec)  # data classes look it up by its name
    with _beside(path):
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise JobError(f"{path} does not run: {_words(error)}") from error
    return as_job(_chosen(vars(module), name, path))


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Let a file import what lies beside it, as Python does for the file that it runs."""
    folder = str(path.absolute().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def as_job(job: Any) -> Job:  # noqa: ANN401 - whatever a person hands over
    """Return a function or a class as a job."""
    return ClassJob(job) if inspect.isclass(job) else FunctionJob(job)


def _chosen(names: Mapping[str, Any], name: str | None, path: Path) -> Any:  # noqa: ANN401
    own = {
        word: thing
        for word, thing in names.items()
        if not word.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == _MODULE
    }
    if name is None and len(own) == 1:
        return next(iter(own.values()))
    if name not in own:
        if not own:
            raise JobError(f"{path} has no function and no class: write one that returns rows")
        known = ", ".join(own)
        raise JobError(f"{path} has the functions and classes {known}: say which, as in {path}:job")
    return own[name]


_COLUMNS: Final = ("key", "window_start", "window_end", "value")


def _dicts(events: Iterable[Event]) -> list[dict[str, Any]]:
    return [
        {"offset": offset, "key": event.key, "event_ms": event.event_ms, "value": event.value}
        for offset, event in enumerate(events)
    ]


def _result(log: Log, rows_of: Callable[[Log], Iterable[Mapping[str, Any]]]) -> Tally:
    try:
        return _tally(log, rows_of(log))
    except (Exception, SystemExit) as error:
        raise JobError(f"the job fails on the log `{log}`: {_words(error)}") from error


def _tally(log: Log, rows: Iterable[Mapping[str, Any]]) -> Tally:
    if not isinstance(rows, Iterable):
        raise _NoRow(f"it returns {rows!r}, not rows: return a list of dicts")
    sums, missed, reports = {}, [], False
    for row in rows:
        if not isinstance(row, Mapping):
            raise _NoRow(f"the row {row!r} is no dict with {', '.join(_COLUMNS)}")
        if "late" in row:
            reports = True
            missed.append(_number_of(log, row["late"]))
            continue
        if lacking := [column for column in _COLUMNS if column not in row]:
            raise _NoRow(f"the row {dict(row)} has no {lacking[0]}")
        sums[_window(row)] = _sum(row["value"])
    return Tally(sums, tuple(sorted(missed)) if reports else None)


def _number_of(log: Log, offset: Any) -> int:  # noqa: ANN401 - whatever a person reports
    if offset not in range(len(log.events)):
        raise _NoRow(f"{offset!r} is reported as late, and is the offset of no event")
    return int(offset) + 1


def _window(row: Mapping[str, Any]) -> tuple[str, int, int]:
    key = row["key"]
    if not isinstance(key, str):
        raise _NoRow(f"the key {key!r} is no text: give that of the events")
    for column in _COLUMNS[1:3]:
        if not isinstance(row[column], Integral):
            raise _NoRow(f"{column} {row[column]!r} is no whole number of milliseconds")
    return key, int(row["window_start"]), int(row["window_end"])


def _sum(value: Any) -> Any:  # noqa: ANN401 - any type of numbers
    if not isinstance(value, Number):
        raise _NoRow(f"the value {value!r} is no number")
    return value


class _NoRow(Exception):
    """What a job returns is no row; the text says why."""


def _words(error: BaseException) -> str:
    if isinstance(error, _NoRow):
        return f"{error}"
    first = next(iter(f"{error}".splitlines()), "")
    words = f"{type(error).__name__}: {first}" if first else type(error).__name__
    lines = [
        line
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == _MODULE
    ]
    return f"{words}, in line {lines[-1]}" if lines else words
