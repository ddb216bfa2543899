"""The pool: trusted workers, each with a sandbox of its own, that share one queue."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

from studykit.grading.book.results import Result
from studykit.grading.box import confine
from studykit.grading.grader import GradedLab, grade
from studykit.grading.intake.submissions import Submission
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.session import Crowded, Engine, EngineMaker
from studykit.grading.sandbox.warden import PATIENCE_ALONE, EngineFailure

TRIES: Final = 3
WORKER_BYTES: Final = 2**30
"""Address space that a worker may add, in bytes: no submission makes the worker grow beyond."""
SLACK_S: Final = 60.0
"""Seconds that a submission may take beyond its limits before the worker is given up."""

# Spawned, each worker would import the whole course again.
_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Task:
    """A submission to grade, and the key of its result."""

    submission: Submission
    key: str
    tries: int = 0
    alone: bool = False
    """Whether no other task may run beside this one: its time was over beside others."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    since: float = 0.0


class Pool:
    """Workers that are restarted when they fail. Results come in the order in which tasks end."""

    def __init__(self, assignment: GradedLab, maker: EngineMaker, workers: int) -> None:
        """Start `workers` workers, whose engines `maker` makes."""
        self._assignment = assignment
        self._maker = maker
        self._workers = [self._start(slot) for slot in range(workers)]
        self.busy: list[str] = []

    def grade(
        self, tasks: Sequence[Task], limits: Limits, tick: Callable[[], None]
    ) -> Iterator[Result]:
        """Yield a result for each task, in the order in which the tasks end.

        Args:
            tasks: What to grade.
            limits: The limits of one submission.
            tick: Called at least five times a second, to show what goes on.
        """
        queue = deque(tasks)
        patience = PATIENCE_ALONE * limits.submission_s
        patience += limits.judging_s * len(self._assignment.exercises)
        while queue or any(worker.task for worker in self._workers):
            self._hand_out(queue)
            tick()
            ready = wait([worker.pipe for worker in self._workers if worker.task], timeout=0.2)
            for slot, worker in enumerate(self._workers):
                overdue = time.monotonic() - worker.since > patience + SLACK_S
                if worker.task and worker.pipe in ready:
                    yield from self._collect(slot, queue)
                elif worker.task and overdue:
                    yield from self._give_up(slot, queue, "the worker did not come back")

    def close(self) -> None:
        """End all workers and their sandboxes."""
        for worker in self._workers:
            with suppress(OSError):
                worker.pipe.send(None)
        for worker in self._workers:
            # A worker at work reads nothing, and is not waited for.
            worker.process.join(timeout=0.1 if worker.task else 5)
            worker.pipe.close()
            _kill(worker.process)

    def _hand_out(self, queue: deque[Task]) -> None:
        for worker in self._workers:
            # Only the first of the queue: one that has to be alone would be overtaken for ever.
            if worker.task is None and queue and self._may_start(queue[0]):
                worker.task, worker.since = queue.popleft(), time.monotonic()
                with suppress(OSError):  # a worker that has just ended is found by its pipe
                    worker.pipe.send(worker.task)
        self.busy = [worker.task.submission.student for worker in self._workers if worker.task]

    def _may_start(self, task: Task) -> bool:
        """Return whether a task may start now: one to be alone waits until no other runs."""
        running = [worker.task for worker in self._workers if worker.task]
        return not running if task.alone else not any(other.alone for other in running)

    def _collect(self, slot: int, queue: deque[Task]) -> Iterator[Result]:
        worker = self._workers[slot]
        try:
            result: Result | str | None = worker.pipe.recv()
        except (EOFError, OSError):
            result = "the worker ended by itself"
        if result is None and worker.task is not None:
            queue.append(replace(worker.task, alone=True))
            worker.task = None
        elif isinstance(result, Result):
            worker.task = None
            yield result
        else:
            yield from self._give_up(slot, queue, str(result))

    def _give_up(self, slot: int, queue: deque[Task], reason: str) -> Iterator[Result]:
        """Replace a worker; try its task again, or report that grading itself failed."""
        worker = self._workers[slot]
        task = worker.task
        worker.pipe.close()
        _kill(worker.process)
        self._workers[slot] = self._start(slot)
        if task is None:
            return
        if task.tries + 1 < TRIES:
            queue.append(replace(task, tries=task.tries + 1))
            return
        yield Result(
            student=task.submission.student, key=task.key, status="infra_error", reason=reason
        )

    def _start(self, slot: int) -> _Worker:
        ours, theirs = _fork.Pipe()
        process = _fork.Process(
            target=_work, args=(theirs, ours, self._assignment, self._maker, slot), daemon=True
        )
        process.start()
        theirs.close()  # else the pipe of a worker that has died looks open
        return _Worker(process, ours)


def _work(
    pipe: Connection, other: Connection, assignment: GradedLab, maker: EngineMaker, slot: int
) -> None:
    """Grade what comes, until None does; answer with a result, a reason, or None: try it alone."""
    other.close()  # else this worker holds the parent's end too, and never sees it closed
    end_with_parent()
    # Ctrl-C reaches the whole process group: the parent ends its workers, nobody else does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    confine.limit_memory(WORKER_BYTES, confine.open_statm(), for_good=False)
    engine: Engine | None = None
    try:
        while task := pipe.recv():
            try:
                engine = engine or maker(slot)
                engine.alone = task.alone
                pipe.send(grade(assignment, task.submission, task.key, engine))
            except Crowded:
                pipe.send(None)
            except EngineFailure as failure:
                pipe.send(str(failure))
    except (EOFError, OSError):
        pass
    finally:
        if engine is not None:
            engine.close()


def end_with_parent() -> None:
    """Have the system kill this process when the one that started it ends, however it ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def _kill(process: BaseProcess) -> None:
    """End a worker and what it started: its sandbox ends with it."""
    if process.is_alive():
        process.kill()
    process.join()
