"""Workers: several members of the group as processes of one machine, watched by their parent.

Kafka shares the partitions out among the members, so nothing else has to. A worker answers its
parent over a pair of sockets. The sockets are also the worker's lifeline: when the parent has
ended, in whatever way, the worker reads the end of the stream, commits what it has delivered, and
ends.

Some workers end before they are told to. A worker that a signal has killed (sent by the system for
want of memory, or by a person) is started again, and its partitions are replayed from their commit.
A worker that has ended by itself with an error would do so again, so all workers end with it. All
end, too, once workers were killed more than `MAX_KILLS` times within `KILLS_S`.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

import msgspec
from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from flink_jobs.errors import ForeseenError
from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.merging import Sums

MAX_KILLS: Final = 5
KILLS_S: Final = 60.0
ASK_S: Final = 1.0
"""How often a worker is asked for its pages, seconds of wall time."""
ANSWER_S: Final = 5.0
"""After how many seconds without an answer a worker counts as stuck."""
STOP_S: Final = 30.0
"""How many seconds workers have to end before they are killed; a stop takes two."""
ORPHAN_S: Final = 10.0
"""How many seconds a worker has to end by itself once its parent has ended."""

log = logging.getLogger("stream_processor")


class WorkerEnded(ForeseenError):
    """An end of all workers before a stop. The text says which worker is the cause, and why."""


class _Pages(Struct):
    """The answer of a worker: its page of metrics, and its troubles by component."""

    metrics: str
    troubles: dict[str, str]


def answer(fd: int, page: Callable[[], bytes], health: Health, stop: threading.Event) -> None:
    """Answer the parent at the other end of `fd` from a thread of its own.

    When the parent ends, `stop` is set. Where the process does not end on that, it is ended after
    `ORPHAN_S`: nobody else is left who could.
    """

    def serve() -> None:
        with suppress(EOFError, OSError), Connection(fd) as parent:
            while True:
                parent.recv_bytes()
                troubles = msgspec.json.decode(health.page()[1])["troubles"]
                parent.send_bytes(msgspec.json.encode(_Pages(page().decode(), troubles)))
        stop.set()
        time.sleep(ORPHAN_S)
        os._exit(1)

    threading.Thread(target=serve, name="parent", daemon=True).start()


class Worker:
    """A process that is a member of the group, from its start to its end."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start `command` with the number of the worker's socket as one more argument."""
        mine, its = socket.socketpair()
        with its:  # our copy of the worker's end, or its death would not end the stream
            self._process = subprocess.Popen(
                [*command, str(its.fileno())], env=environ, pass_fds=[its.fileno()]
            )
        self._parent_end = Connection(mine.detach())
        self._is_asked = False
        self.heard = time.monotonic()

    @property
    def status(self) -> int | None:
        """The exit status; a signal's number below 0 after a kill; None while the process runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self) -> _Pages | None:
        """Return the answer to the last question, if there is one by now, and ask once more.

        The call never waits: a worker that hangs must not hold up the others.
        """
        pages = None
        with suppress(EOFError, OSError):
            if self._is_asked and self._parent_end.poll():
                pages = msgspec.json.decode(self._parent_end.recv_bytes(), type=_Pages)
                self._is_asked = False
                self.heard = time.monotonic()
            if not self._is_asked:
                self._parent_end.send_bytes(b"?")
                self._is_asked = True
        return pages

    def stop(self) -> None:
        """Tell the process to end: it commits, and gives its partitions back."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """Wait until the process has ended; kill it at `deadline`, a time of `time.monotonic`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(deadline - time.monotonic(), 0))
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._parent_end.close()


class Workers:
    """Starts workers, watches over them, and shows one page for all of them."""

    def __init__(self, command: Sequence[str], count: int, stop: threading.Event, job: str) -> None:
        """Prepare `count` workers that run `command`, which end once `stop` is set."""
        self._command = command
        self._count = count
        self._stop = stop
        self._workers: dict[int, Worker] = {}
        self._kills: deque[float] = deque(maxlen=MAX_KILLS + 1)
        self._sums = Sums()
        self._troubles: dict[int, Mapping[str, str]] = {}
        self._registry = CollectorRegistry()
        self._alive = Gauge("features_workers", "Workers that run", registry=self._registry)
        self._restarts = Counter(
            "features_worker_restarts", "Workers that were killed and started again",
            registry=self._registry,
        )  # fmt: skip
        self.health = Health(job, self._look)

    def page(self) -> bytes:
        """Return the metrics of all workers, and how many run."""
        return generate_latest(self._registry) + self._sums.page()

    def run(self) -> None:
        """Run until told to stop, or until every worker has ended well.

        Raises:
            WorkerEnded: A worker has ended with an error, or too many were killed.
        """
        try:
            for number in range(self._count):
                self._start(number)
            while self._workers and not self._stop.is_set():
                for number in list(self._workers):
                    self._watch(number)
                self._stop.wait(ASK_S)
        finally:
            self._end_all()

    def _start(self, number: int) -> None:
        worker = self._workers[number] = Worker(self._command, os.environ)
        self._alive.set(len(self._workers))
        log.info("worker started", extra={"context": {"worker": number, "pid": worker.pid}})

    def _watch(self, number: int) -> None:
        """Take a worker's pages; after its end, start it again or end all, as the module says."""
        worker = self._workers[number]
        # Before its status: the pages of a worker that has ended since it answered still count.
        pages = worker.ask()
        if pages is not None:
            self._sums.update(number, pages.metrics)
            self._troubles[number] = pages.troubles
        status = worker.status
        if status is None:
            if time.monotonic() - worker.heard > ANSWER_S:
                self._troubles[number] = {"process": "it does not answer"}
            return
        worker.end(time.monotonic())
        del self._workers[number]
        self._alive.set(len(self._workers))
        self._sums.end(number)
        self._troubles.pop(number, None)
        if status < 0:
            self._on_kill(number, -status)
        elif status > 0:
            raise WorkerEnded(
                f"worker {number} has ended with status {status}, so all end: its own last line "
                "says why; nothing is lost, mend that and start again"
            )

    def _on_kill(self, number: int, signal_number: int) -> None:
        text = f"worker {number} was killed by signal {signal_number}"
        log.error(f"{text}, and is started again", extra={"context": {"worker": number}})
        now = time.monotonic()
        self._kills.append(now)
        if len(self._kills) > MAX_KILLS and now - self._kills[0] < KILLS_S:
            raise WorkerEnded(
                f"{text}, after {MAX_KILLS} others within {KILLS_S:.0f} s, so all end: look with "
                "`dmesg` whether the machine has memory for so many, and start fewer"
            )
        self._restarts.inc()
        self._start(number)
        self._troubles[number] = {"process": f"it was killed by signal {signal_number}, and starts"}

    def _look(self) -> Mapping[str, str]:
        """Return a sentence for each trouble, by worker and component."""
        return {
            f"worker {number}: {component}": text
            for number, troubles in list(self._troubles.items())
            for component, text in troubles.items()
        }

    def _end_all(self) -> None:
        """Tell all workers at once to end; kill those that have not ended after `STOP_S`."""
        for worker in self._workers.values():
            worker.stop()
        deadline = time.monotonic() + STOP_S
        for worker in self._workers.values():
            worker.end(deadline)
