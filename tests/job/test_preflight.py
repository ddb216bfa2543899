"""What the production job looks at before it starts; what needs a broker: `test_on_kafka.py`.

The cluster here only answers: which version it is, what room it has, what it runs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest

from flink_jobs.runtime.cluster import FlinkUnusable, check_cluster
from flink_jobs.runtime.java import find_java, prepare_flink

FITTING = {"flink-version": version("apache-flink"), "slots-total": 2}


@contextmanager
def cluster(overview: Mapping[str, object], *jobs: Mapping[str, str]) -> Iterator[str]:
    """Serve what a cluster says of itself; give its address."""
    pages = {"/overview": overview, "/jobs/overview": {"jobs": jobs}}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(pages[self.path]).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    monkeypatch.setattr("flink_jobs.runtime.cluster._FREE_S", 0.0)


@pytest.mark.parametrize(
    ("overview", "words"),
    [
        ({**FITTING, "flink-version": "1.20.1"}, "is Flink 1.20.1 and the package here is 2"),
        ({**FITTING, "slots-total": 1}, "has 1 slots and the job needs 2: lower --parallelism"),
        ({"brokers": 1}, "no Flink cluster answers at 127"),
    ],
)
def test_a_cluster_that_does_not_fit_is_one_sentence(overview, words):
    with cluster(overview) as address, pytest.raises(FlinkUnusable, match=words):
        check_cluster(address, 2, "features")


def test_a_job_that_runs_already_is_one_sentence():
    running = {"name": "features", "state": "RUNNING"}
    with cluster(FITTING, running) as address, pytest.raises(FlinkUnusable, match="runs the job"):
        check_cluster(address, 2, "features")


def test_a_cluster_that_fits_is_taken_also_where_the_job_has_ended_or_another_runs():
    jobs = [{"name": "features", "state": "CANCELED"}, {"name": "other", "state": "RUNNING"}]
    with cluster(FITTING, *jobs) as address:
        check_cluster(address, 2, "features")


def test_a_java_that_flink_fails_on_gives_way_to_one_that_it_runs_on(tmp_path: Path):
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.symlink_to(find_java({}).command)
    (tmp_path / "release").write_text('JAVA_VERSION="25.0.1"')
    environ = {"JAVA_HOME": str(tmp_path)}
    prepare_flink(environ)
    assert environ["JAVA_HOME"] == str(find_java({}).home)
