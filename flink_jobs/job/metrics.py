"""What Flink measures, on one port of the loopback interface, for Prometheus and for people.

Flink's reporter that answers Prometheus listens on every interface and cannot be told otherwise,
which is right in a container and wrong on a person's machine. So here every Flink process pushes
what it measures to the job's entry point, by Flink's own reporter for that, and the entry point
shows it as one page. Names and labels are those of the other reporter. In containers each process
has that other reporter, and the entry point asks them.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from flink_jobs.job.symptoms import Reading, Symptoms
from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.server import serve

PUSH_S: Final = 2
FORGOTTEN_S: Final = 5 * PUSH_S
"""After how long without a push a process counts as gone, and its numbers with it."""
STARTING_S: Final = 60.0
"""How long the first push may take."""
READ_S: Final = 10.0
"""How often the pushed numbers are read for what is wrong."""

REPORTS_TO: Final = "metrics.reporter.push.hostUrl"
"""The option of a Flink process that says where it pushes its metrics."""


def reporter(port: int) -> dict[str, str]:
    """Return the options of a Flink process that pushes its metrics to `port`; none where it is 0.

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
def serving(job: str, port: int, pages: Sequence[str] = ()) -> Iterator[None]:
    """Serve what Flink pushes, and whether all is well with `job`, for as long as this is open.

    Args:
        job: The job's name.
        port: Where; 0 serves nothing.
        pages: Addresses of Flink processes that push nothing, and show their numbers themselves.

    Raises:
        SettingsError: The port is taken.
    """
    pushed = Pushes()
    stop = serve(port, pushed.page, Health(job, pushed.troubles), pushed.receive)
    closed = threading.Event()
    if port and pages:
        threading.Thread(target=_fetch, args=(pushed, pages, closed), daemon=True).start()
    try:
        yield
    finally:
        closed.set()
        stop()


def _fetch(pushed: Pushes, pages: Sequence[str], closed: threading.Event) -> None:
    """Take the pages of Flink's processes as if they pushed them; who is away pushes nothing."""
    while not closed.wait(PUSH_S):
        for address in pages:
            with suppress(OSError), urllib.request.urlopen(address, timeout=PUSH_S) as reply:
                pushed.receive(address, reply.read())


class Pushes:
    """The newest push of every Flink process, as one page."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with no push; `clock` tells seconds."""
        self._clock = clock
        self._started = clock()
        self._pushes: dict[str, tuple[float, bytes]] = {}
        self._symptoms = Symptoms()
        self._read_at = -READ_S

    def receive(self, path: str, body: bytes) -> None:
        """Take a push; `path` names the process. One without a body is a farewell."""
        now = self._clock()
        self._pushes[path] = (now, body)
        if now - self._read_at >= READ_S:
            self._read_at = now
            self._read()

    def page(self) -> bytes:
        """Return every metric once, with the samples of all processes that still push."""
        merged: dict[bytes, bytes] = {}
        for body in self._living():
            for family in _FAMILIES.split(body):
                heading = _HEADING.match(family)
                if heading:
                    samples = family[heading.end() :] if heading[1] in merged else family
                    merged[heading[1]] = merged.get(heading[1], b"") + samples
        return b"".join(merged.values())

    def troubles(self) -> Mapping[str, str]:
        """Return what the numbers say is wrong, by component."""
        living = self._living()
        if not living:
            newest = max((at for at, _ in self._pushes.values()), default=self._started)
            silent_s = self._clock() - newest
            return {} if silent_s < STARTING_S else {"metrics": _SILENCE.format(silent_s)}
        self._read()
        return self._symptoms.troubles()

    def _read(self) -> None:
        page = MetricsPage.read(self.page().decode())
        self._symptoms.add(Reading.of(self._clock(), page))

    def _living(self) -> list[bytes]:
        oldest = self._clock() - FORGOTTEN_S
        return [body for at, body in [*self._pushes.values()] if at >= oldest and body]


_FAMILIES: Final = re.compile(rb"^(?=# HELP )", re.MULTILINE)
_HEADING: Final = re.compile(rb"# HELP (\S+).*\n# TYPE .*\n")
_SILENCE: Final = (
    "Flink has reported nothing for {:.0f} s: a cluster reports to the METRICS_PORT that it was "
    "started with"
)
