"""Monitoring: Prometheus metrics, a health page, and structured logs.

Everything is counted per batch, from the ledgers, so that watching costs the events nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from flink_jobs.config import SettingsError
from flink_jobs.partition import Lane, Ledger

PartitionKey = tuple[str, int]
"""Topic and partition."""


class Metrics:
    """The metrics of one processor, with their children bound once."""

    def __init__(self) -> None:
        """Register every metric."""
        self.registry = CollectorRegistry()
        where = ["topic", "partition"]
        self.records = self._counter(
            "records",
            "Records by what became of them; partial_late are among the accepted",
            [*where, "feature_set", "verdict"],
        )
        self.consumed = self._counter("consumed", "Records consumed", [*where, "feature_set"])
        self.rows = self._counter("windows_emitted", "Feature rows", ["feature_set"])
        self.refused = self._counter("store_refused", "Rows that the store had newer ones for", [])
        self._lag = self._gauge("lag_records", "Records appended and not yet processed", where)
        self._watermark_lag = self._gauge(
            "watermark_lag_seconds", "Append time of the last record minus the watermark", where
        )
        self.rate = self._gauge("processing_rate", "Records per second in the last batch", [])
        self.batch_seconds = Histogram(
            "features_batch_seconds", "Time to process and deliver a batch", registry=self.registry
        )
        self._seen: dict[tuple[PartitionKey, str], Ledger] = {}

    def page(self) -> bytes:
        """Return all metrics as a page."""
        return generate_latest(self.registry)

    def count(self, where: PartitionKey, lanes: Iterable[Lane]) -> None:
        """Add what the ledgers of a partition have gained since the last call."""
        topic, partition = where
        for lane in lanes:
            name = lane.feature_set.name
            seen = self._seen.setdefault((where, name), Ledger())
            self.consumed.labels(topic, partition, name).inc(lane.ledger.consumed - seen.consumed)
            for column in _COLUMNS:
                gained = getattr(lane.ledger, column) - getattr(seen, column)
                self.records.labels(topic, partition, name, column).inc(gained)
                setattr(seen, column, getattr(lane.ledger, column))

    def behind(self, where: PartitionKey, records: int) -> None:
        """Tell how many records of a partition are still to be processed."""
        self._lag.labels(*where).set(max(records, 0))

    def late(self, where: PartitionKey, behind_ms: int) -> None:
        """Tell how far a partition's watermark is behind the append time, milliseconds."""
        self._watermark_lag.labels(*where).set(behind_ms / 1_000)

    def forget(self, where: PartitionKey, lanes: Iterable[Lane]) -> None:
        """Forget a partition that another processor has now; should it return, it counts anew."""
        for lane in lanes:
            self._seen.pop((where, lane.feature_set.name), None)
        for gauge in (self._lag, self._watermark_lag):
            with suppress(KeyError):
                gauge.remove(*where)

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(f"features_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: list[str]) -> Gauge:
        return Gauge(f"features_{name}", text, labels, registry=self.registry)


_COLUMNS: Final = tuple(column.name for column in fields(Ledger))


class Health:
    """What works and what does not, as `/healthz` tells it."""

    def __init__(self, job: str, look: Callable[[], Mapping[str, str]] = dict) -> None:
        """Begin with nothing known to be wrong.

        Args:
            job: The job's name.
            look: Looks for more troubles whenever somebody asks: what is wrong, by component.
        """
        self._job = job
        self._look = look
        self._troubles: dict[str, str] = {}

    def ok(self, component: str) -> None:
        """Note that a component answers."""
        self._troubles.pop(component, None)

    def trouble(self, component: str, text: str) -> None:
        """Note what is wrong with a component."""
        self._troubles[component] = text

    def page(self) -> tuple[str, bytes]:
        """Return the HTTP status and the JSON body."""
        troubles = {**self._troubles, **self._look()}
        status = "degraded" if troubles else "ok"
        body = msgspec.json.encode({"status": status, "job": self._job, "troubles": troubles})
        return ("503 Service Unavailable" if troubles else "200 OK"), body


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        """Say nothing: a scrape every few seconds is no news."""


def serve(
    port: int,
    page: Callable[[], bytes],
    health: Health,
    receive: Callable[[str, bytes], None] | None = None,
) -> Callable[[], None]:
    """Serve `/metrics` and `/healthz` on the loopback interface; return what stops it.

    Args:
        port: TCP port; 0 serves nothing.
        page: Returns what `/metrics` shows, in Prometheus' text format.
        health: What `/healthz` shows.
        receive: Takes the path and the body of whatever is sent here; None takes nothing.

    Raises:
        SettingsError: The port is taken.
    """
    if port == 0:
        return lambda: None

    def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401
        if receive is not None and environ["REQUEST_METHOD"] in ("PUT", "DELETE"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            receive(environ["PATH_INFO"], body)
            start_response("202 Accepted", [])
            return []
        if environ["PATH_INFO"] != "/healthz":
            start_response("200 OK", [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)])
            return [page()]
        status, body = health.page()
        start_response(status, [("Content-Type", "application/json")])
        return [body]

    try:
        server = make_server("127.0.0.1", port, application, _Server, _Silent)
    except OSError:
        raise SettingsError(
            f"METRICS_PORT={port} is taken by another process: choose another, or 0 for none"
        ) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, job, message, and the context given as `extra`."""

    def __init__(self, job: str) -> None:
        super().__init__()
        self._job = job

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time_ms": int(record.created * 1_000),
            "level": record.levelname.lower(),
            "job": self._job,
            "message": record.getMessage(),
            **getattr(record, "context", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def start_logging(job: str) -> logging.Logger:
    """Log JSON lines to standard error; return the logger of `job`."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines(job))
    logger = logging.getLogger(job)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # That a broker is away is told once, by the job; its client would tell it all the time.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    return logger
