"""`study prove`: look for the smallest log on which a person's windowed job is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from msgspec.structs import replace
from rich.console import Console

from studykit.adversary.jobs import Job, JobError, load
from studykit.adversary.logs import Log, delivered
from studykit.adversary.search import Counterexample, search
from studykit.adversary.truth import Tally
from studykit.checks.deadline import TooLong, deadline
from studykit.errors import StudyError
from studykit.services.packages import need_flink
from studykit.trace.simulate import simulate
from studykit.trace.steps import Policy
from studykit.trace.words import step_sentence

_LONGEST_S: Final = 5.0
"""Seconds that a Python job may take for one log, which has two dozen events at most."""

Value = TypeVar("Value")


def prove(
    what: str, policy: Policy, console: Console, *, logs: int, seed: int, picture: Path | None
) -> bool:
    """Show the smallest counterexample; return whether every log agrees with the engine.

    Args:
        what: A file that ends in .sql or .py, where needed with `:name` of the function or class.
        policy: What the job claims to compute.
        console: Where everything is shown.
        logs: How many logs are tried.
        seed: The same seed tries the same logs.
        picture: Where the counterexample is drawn; None draws nothing.

    Raises:
        StudyError: The file is neither Python nor SQL, or the picture cannot be written.
        JobError: The job cannot be run.
    """
    job = _job(what, policy)
    with console.status("starting") as status:
        found = search(job, policy, logs=logs, seed=seed, say=status.update)
    if found is None:
        restarted = ", half of them restarted" if job.restarts else ""
        console.print(f"{logs} logs{restarted}: every window as the engine has it.")
        return True
    _show(found, policy, console)
    if picture is not None:
        _draw(found, policy, picture)
        console.print(f"picture   {picture}", soft_wrap=True, highlight=False)
    return False


def _job(what: str, policy: Policy) -> Job:
    path, _, name = what.partition(":")
    if path.endswith(".py"):
        return _Hurried(_in_time(lambda: load(Path(path), name or None), f"{path} to load"))
    if path.endswith(".sql"):
        need_flink()
        from studykit.adversary.sql import SqlJob  # noqa: PLC0415 - it loads Flink

        return SqlJob(Path(path), policy)
    raise StudyError(f"{what} is neither Python nor SQL: give a file that ends in .py or .sql")


class _Hurried:
    """A Python job that is interrupted where it takes too long for a log."""

    wide = False

    def __init__(self, job: Job) -> None:
        self._job = job
        self.restarts = job.restarts

    def run(self, logs: Sequence[Log]) -> list[Tally]:
        """Return what the job makes of each log.

        Raises:
            JobError: The job fails on a log, or does not end.
        """
        return [tally for log in logs for tally in self._run(log)]

    def _run(self, log: Log) -> list[Tally]:
        return _in_time(lambda: self._job.run([log]), f"the job to end on the log `{log}`")


def _in_time(work: Callable[[], Value], what: str) -> Value:
    try:
        with deadline(_LONGEST_S):
            return work()
    except TooLong:
        raise JobError(
            f"{_LONGEST_S:g} s are too short for {what}: look for a loop without an end"
        ) from None


def _show(found: Counterexample, policy: Policy, console: Console) -> None:
    """Print the log, what is wrong, and how the engine takes each event."""
    count = len(found.log.events)
    console.print(f"Wrong on {count} event{'s' * (count != 1)}, in order of arrival:\n")
    console.print(f"  {found.log}\n", highlight=False, soft_wrap=True)
    console.print(f"{found.sentence}.", highlight=False, soft_wrap=True)
    trace = simulate(delivered(found.log), replace(policy, keyed=True, bounded=True))
    for number, step in enumerate(trace.steps, start=1):
        if step.event and step.kind == "arrival":
            console.print(f"engine    {step_sentence(trace, number)}", soft_wrap=True)


def _draw(found: Counterexample, policy: Policy, picture: Path) -> None:
    from studykit.drawing import style  # noqa: PLC0415 - matplotlib takes a second
    from studykit.figures.clocks import watermark_stepper  # noqa: PLC0415

    trace = simulate(delivered(found.log), replace(policy, keyed=True, bounded=True))
    try:
        picture.write_bytes(style.png(watermark_stepper.draw(trace, len(trace.steps))))
    except OSError as error:
        raise StudyError(
            f"cannot write {picture} ({error.strerror}): choose another --picture"
        ) from None
