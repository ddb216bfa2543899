"""What Flink measures, on one port of the loopback interface, for Prometheus and for people.

Flink's reporter that answers Prometheus listens on every interface and cannot be told otherwise,
which is right in a container and wrong on a person's machine. So here every Flink process pushes
what it measures to the job's entry point, by Flink's own reporter for that, and the entry point
shows it as one page. Names and labels are those of the other reporter.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.server import serve

PUSH_S: Final = 2
FORGOTTEN_S: Final = 5 * PUSH_S
"""After how long without a push a process counts as gone, and its numbers with it."""
STARTING_S: Final = 60.0
"""How long the first push may take."""

LATE_DROPPED: Final = "numLateRecordsDropped"
"""What Flink's windows count where they drop a record without a trace. Nothing ever may."""

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
def serving(job: str, port: int) -> Iterator[None]:
    """Serve what Flink pushes, and whether all is well with `job`, for as long as this is open.

    Raises:
        SettingsError: The port is taken.
    """
    pushed = Pushed()
    stop = serve(port, pushed.page, Health(job, pushed.troubles), pushed.receive)
    try:
        yield
    finally:
        stop()


class Pushed:
    """The newest push of every Flink process, as one page."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with no push; `clock` tells seconds."""
        self._clock = clock
        self._started = clock()
        self._pushes: dict[str, tuple[float, bytes]] = {}

    def receive(self, path: str, body: bytes) -> None:
        """Take a push; `path` names the process. One without a body is a farewell."""
        self._pushes[path] = (self._clock(), body)

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
        lines = [one.decode() for body in living for one in body.splitlines() if _LATE in one]
        dropped = MetricsPage.read("\n".join(lines) + "\n").total(LATE_DROPPED)
        return {"windows": _DROPPED.format(dropped)} if dropped else {}

    def _living(self) -> list[bytes]:
        oldest = self._clock() - FORGOTTEN_S
        return [body for at, body in [*self._pushes.values()] if at >= oldest and body]


_LATE: Final = LATE_DROPPED.encode()
_FAMILIES: Final = re.compile(rb"^(?=# HELP )", re.MULTILINE)
_HEADING: Final = re.compile(rb"# HELP (\S+).*\n# TYPE .*\n")
_SILENCE: Final = (
    "Flink has reported nothing for {:.0f} s: a cluster reports to the METRICS_PORT that it was "
    "started with"
)
_DROPPED: Final = (
    "Flink's windows have dropped {:.0f} records that no dead letter tells of: this must be 0"
)
