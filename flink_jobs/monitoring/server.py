"""The HTTP server of `/metrics` and `/healthz`, on the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Callable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from flink_jobs.config import SettingsError
from flink_jobs.monitoring.health import Health


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a reader that never finishes its request must not hold up a stop


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        """Say nothing: a scrape every few seconds is no news."""


def serve(
    port: int,
    page: Callable[[], bytes],
    health: Health,
    receive: Callable[[str, bytes], None] | None = None,
) -> Callable[[], None]:
    """Serve `/metrics` and `/healthz` on the loopback interface; return a function that stops.

    Args:
        port: TCP port; 0 serves nothing.
        page: Returns the page `/metrics` in Prometheus' text format.
        health: Returns the page `/healthz`.
        receive: Takes the path and the body of each PUT and DELETE, which is how Flink pushes its
            metrics; None treats these as requests for the metrics.

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
        # The loopback interface only: pages and pushes have no login.
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
