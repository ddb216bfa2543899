"""A person's job, run over many logs: a Python function or a Python class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final, Protocol

from flink_jobs.errors import ForeseenError
from studykit.adversary.logs import Log
from studykit.adversary.truth import Tally
from studykit.trace.steps import Event


class JobError(ForeseenError):
    """A job that cannot be run. The text is one sentence that names the job and the remedy."""


class Job(Protocol):
    """What the search needs of a job: to run it over logs."""

    restarts: bool
    """Whether the job can stop with a snapshot and go on from it."""

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
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise JobError(f"{path} is no Python file: give a file that ends in .py, or in .sql")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise JobError(f"there is no file {path}: give the job's own") from None
    except Exception as error:
        raise JobError(f"{path} does not run: {_words(error)}") from error
    return as_job(_chosen(vars(module), name, path))


def as_job(job: Any) -> Job:  # noqa: ANN401 - whatever a person hands over
    """Return a function or a class as a job."""
    return ClassJob(job) if inspect.isclass(job) else FunctionJob(job)


def _chosen(names: Mapping[str, Any], name: str | None, path: Path) -> Any:  # noqa: ANN401
    own = {
        word: thing
        for word, thing in names.items()
        if not word.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == path.stem
    }
    if name is None and len(own) == 1:
        return next(iter(own.values()))
    if name not in own:
        known = ", ".join(own) or "none"
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
        return _result_of(rows_of(log))
    except Exception as error:
        raise JobError(f"the job fails on the log `{log}`: {_words(error)}") from error


def _result_of(rows: Iterable[Mapping[str, Any]]) -> Tally:
    sums, missed, reports = {}, [], False
    for row in rows:
        if "late" in row:
            reports = True
            missed.append(int(row["late"]) + 1)
            continue
        if lacking := [column for column in _COLUMNS if column not in row]:
            raise ValueError(f"the row {dict(row)} has no {lacking[0]}")
        key, start_ms, end_ms, value = (row[column] for column in _COLUMNS)
        sums[key, int(start_ms), int(end_ms)] = value
    return Tally(sums, tuple(sorted(missed)) if reports else None)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
