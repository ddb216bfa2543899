"""Workers: several members of the group as processes of one machine, watched by their parent.

Kafka shares the partitions out among the members, so nothing else has to. A worker answers its
parent over a pair of sockets, which is also its lifeline: when the parent has ended, however it
did, the worker reads the end of the stream, commits what it has delivered, and ends, too.

The rule for a worker that ends before it is told to: one that a signal has killed (by the system
for want of memory, or by a person) is started again, and its partitions are replayed from their
commit. One that has ended by itself with an error would do so again, so all end with it, as they
do once workers were killed more than `MAX_KILLS` times within `KILLS_S`.
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
"""How often a worker is asked for its pages."""
ANSWER_S: Final = 5.0
"""After how long without an answer a worker counts as stuck."""
STOP_S: Final = 30.0
"""How long workers have to end before they are killed: a stop takes two seconds."""
ORPHAN_S: Final = 10.0
"""The same for a worker whose parent has ended."""

log = logging.getLogger("stream_processor")


class WorkerEnded(ForeseenError):
    """Workers that cannot go on. Its text says which, and where its reason is."""


class _Pages(Struct):
    """What a worker answers."""

    metrics: str
    troubles: dict[str, str]


def answer(fd: int, page: Callable[[], bytes], health: Health, stop: threading.Event) -> None:
    """Answer the parent at the other end of `fd` from a thread of its own.

    When the parent ends, `stop` is set; where that does not end this process, nothing will.
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
    """One process, from its start to its end."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start `command`, which is told the number of its socket as a last word."""
        mine, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [*command, str(its.fileno())], env=environ, pass_fds=[its.fileno()]
            )
        self._parent_end = Connection(mine.detach())
        self._is_asked = False
        self.heard = time.monotonic()

    @property
    def status(self) -> int | None:
        """The exit status; minus a signal's number where it was killed; None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self) -> _Pages | None:
        """Return the answer to the last question, if it has come, and ask anew."""
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
        """Tell it to end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """Wait until it has ended; kill it where it has not by `deadline`."""
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
        """Take a worker's pages; where it has ended, do what the rule says."""
        worker = self._workers[number]
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
        """Return what is wrong, by worker and component."""
        return {
            f"worker {number}: {component}": text
            for number, troubles in list(self._troubles.items())
            for component, text in troubles.items()
        }

    def _end_all(self) -> None:
        """End what still runs: asked first, all at once, and killed where that does not do."""
        for worker in self._workers.values():
            worker.stop()
        deadline = time.monotonic() + STOP_S
        for worker in self._workers.values():
            worker.end(deadline)
