"""Flink's metrics on one port of the loopback interface, for Prometheus and for people.

Flink's `PrometheusReporter` listens on every interface and cannot be told otherwise, which is right
in a container and wrong on a person's machine. So here every Flink process pushes its metrics to
the job's entry point, by Flink's `PrometheusPushGatewayReporter`, and the entry point shows them as
one page. Both reporters use the same names and labels. In containers each process has the first
reporter, and the entry point fetches their pages.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import httpx

from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.server import serve
from flink_jobs.monitoring.symptoms import Lookout, Reading

PUSH_S: Final = 2
"""Seconds of wall time between two pushes of a process."""
FORGOTTEN_S: Final = 5 * PUSH_S
"""After how many seconds without a push a process counts as gone, and its numbers with it."""
STARTING_S: Final = 60.0
"""How many seconds the first push may take, while Java starts."""
READ_S: Final = 10.0
"""How often, in seconds, the pushed numbers are searched for symptoms."""

REPORTS_TO: Final = "metrics.reporter.push.hostUrl"
"""The option of a Flink process that names where the process pushes its metrics."""


def reporter(port: int) -> dict[str, str]:
    """Return the options of a Flink process that pushes its metrics to `port`; none for port 0.

    >>> reporter(0)
    {}
    """
    if port == 0:
        return {}
    factory = "org.apache.flink.metrics.prometheus.PrometheusPushGatewayReporterFactory"
    return {
        "metrics.reporter.push.factory.class": factory,
        "metrics.reporter.push.interval": f"{PUSH_S} s",
        "metrics.reporter.push.jobName": "flink",
        REPORTS_TO: f"http://127.0.0.1:{port}",
    }


@contextmanager
def serving(job: str, port: int, pages: Sequence[str] = ()) -> Iterator[Health]:
    """Serve `/metrics` and `/healthz` of a job while the context is open; yield its health.

    Args:
        job: The job's name.
        port: TCP port of the loopback interface; 0 serves nothing.
        pages: Addresses of Flink processes that push nothing and serve their own metrics, such as
            `http://jobmanager:9249/metrics`.

    Raises:
        SettingsError: The port is taken.
    """
    pushed = Pushes(job)
    health = Health(job, pushed.troubles)
    stop = serve(port, pushed.page, health, pushed.receive)
    closed = threading.Event()
    if port and pages:
        threading.Thread(target=_fetch, args=(pushed, pages, closed), daemon=True).start()
    try:
        yield health
    finally:
        closed.set()
        stop()


def _fetch(pushed: Pushes, pages: Sequence[str], closed: threading.Event) -> None:
    """Take the pages of Flink's processes as pushes; a process that is away pushes nothing.

    One client asks them all: to load all authorities of TLS takes a new one 45 ms. It keeps no
    connection, which a process that starts again would have closed.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(timeout=PUSH_S, trust_env=False, limits=limits) as client:
        while not closed.wait(PUSH_S):
            for address in pages:
                with suppress(httpx.HTTPError):
                    pushed.receive(address, client.get(address).raise_for_status().content)


class Pushes:
    """The newest push of every Flink process, as one page."""

    def __init__(self, job: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with no push.

        Args:
            job: The job's name, whose logger is told of troubles.
            clock: Returns seconds of wall time that never go back.
        """
        self._clock = clock
        self._started = clock()
        self._pushes: dict[str, tuple[float, bytes]] = {}
        self._lookout = Lookout(job)
        self._read_at = -READ_S

    def receive(self, path: str, body: bytes) -> None:
        """Take a push of the process that `path` names; an empty body is the process's farewell."""
        now = self._clock()
        self._pushes[path] = (now, body)
        # Also while nobody asks for health: symptoms compare with readings from minutes ago.
        if now - self._read_at >= READ_S:
            self._read_at = now
            self._read()

    def page(self) -> bytes:
        """Return every metric once, with the samples of all processes that still push.

        Prometheus' text format allows one heading for each metric: where a second process has the
        metric as well, only its samples are appended.
        """
        merged: dict[bytes, bytes] = {}
        for body in self._living():
            for family in _FAMILIES.split(body):
                heading = _HEADING.match(family)
                if heading:
                    samples = family[heading.end() :] if heading[1] in merged else family
                    merged[heading[1]] = merged.get(heading[1], b"") + samples
        return b"".join(merged.values())

    def troubles(self) -> Mapping[str, str]:
        """Return what the numbers say is wrong: a sentence by component."""
        living = self._living()
        if not living:
            newest = max((at for at, _ in self._pushes.values()), default=self._started)
            silent_s = self._clock() - newest
            return {} if silent_s < STARTING_S else {"metrics": _SILENCE.format(silent_s)}
        self._read()
        return self._lookout.troubles()

    def _read(self) -> None:
        page = MetricsPage.read(self.page().decode())
        self._lookout.add(Reading.of(self._clock(), page, 1_000 * time.time()))

    def _living(self) -> list[bytes]:
        oldest = self._clock() - FORGOTTEN_S
        # A copy of the values: pushes arrive on other threads.
        return [body for at, body in [*self._pushes.values()] if at >= oldest and body]


_FAMILIES: Final = re.compile(rb"^(?=# HELP )", re.MULTILINE)
_HEADING: Final = re.compile(rb"# HELP (\S+).*\n# TYPE .*\n")
_SILENCE: Final = (
    "Flink has reported nothing for {:.0f} s: a cluster reports to the METRICS_PORT that it was "
    "started with"
)
