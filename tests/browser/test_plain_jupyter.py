"""A plain `jupyter lab`, typed in the installed environment, is as `study lab`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.server import serve
from studykit.cli.jupyter import jupyter_folders
from studykit.cli.launcher.page import service_rows
from studykit.course.layout import Course
from studykit.services.network.ports import HOST, free_port
from studykit.services.supervision.waiting import wait_until
from studykit.workspace import Workspace

CLONE = Path(__file__).parents[2]
JUPYTER_LAB = Path(sys.prefix) / "bin" / "jupyter-lab"


@pytest.fixture(scope="module")
def metrics_port() -> Iterator[int]:
    """A port on which a feature job that is well shows its metrics."""
    port, health = free_port(), Health("features")
    stop = serve(port, lambda: b"features_consumed_total 3\n", health)
    yield port
    stop()


@pytest.fixture(scope="module")
def server(metrics_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Start it in the clone's root, and give a client that is logged in."""
    port, home = free_port(), tmp_path_factory.mktemp("jupyter")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    command = [JUPYTER_LAB, "--no-browser", f"--port={port}", "--IdentityProvider.token=word"]
    with subprocess.Popen(
        command,
        cwd=CLONE,
        env={
            **kept,
            **jupyter_folders(home),
            "STUDY_HOME": str(home / "study"),
            "METRICS_PORT": str(metrics_port),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        address, headers = f"http://{HOST}:{port}", {"Authorization": "token word"}
        with httpx.Client(base_url=address, headers=headers, trust_env=False) as client:
            assert wait_until(lambda: answers(client), 60)
            yield client
        process.terminate()


def answers(client: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return client.get("/api/status").is_success
    return False


def test_it_opens_the_study_guide(server: httpx.Client) -> None:
    assert server.get("/").headers["location"].startswith("/lab/tree/StudyDoc.md")


def test_the_file_browser_lists_what_a_learner_needs(server: httpx.Client) -> None:
    listed = {entry["name"] for entry in server.get("/api/contents").json()["content"]}
    assert {"StudyDoc.md", "notebooks", "labs"} <= listed
    assert not listed & {"tests", "scripts", "benchmarks", "requirements.lock", "pyproject.toml"}


def test_it_asks_nobody_for_news_and_keeps_jupytext_quiet(server: httpx.Client) -> None:
    name = "@jupyterlab/apputils-extension:notification"
    settings = server.get(f"/lab/api/settings/{name}").json()["schema"]["properties"]
    assert settings["fetchNews"]["default"] == "false"
    assert settings["checkForUpdates"]["default"] is False
    page = server.get("/lab").text
    found = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    config = json.loads(found[1])
    assert config["disabledExtensions"] == ["jupyterlab-jupytext"]
    assert config["extensionManager"]["name"] == "read-only"


def test_the_launcher_has_a_page_of_services_and_lessons(server: httpx.Client) -> None:
    (entry,) = server.get("/server-proxy/servers-info").json()["server_processes"]
    assert entry["launcher_entry"]["title"] == "Services and lessons"
    page = server.get(f"/{entry['launcher_entry']['path_info']}", timeout=90).text
    assert page.count("not running") == 3  # Kafka, Redis, Flink
    for lesson in Course.of_clone().lesson_sources():
        assert f'href="../lab/tree/notebooks/{lesson.stem}.ipynb"' in page


@pytest.mark.parametrize(
    ("health", "shown"),
    [
        (b'{"database": "ok", "version": "12.1.0"}', True),
        (b'{"status": "ok"}', False),
        (b"[", False),
    ],
)
def test_grafana_is_shown_where_it_answers_as_grafana_does(
    health: bytes, shown: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What else has its port is not taken for it."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()
            self.wfile.write(health)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Health) as answering:
        thread = threading.Thread(target=answering.serve_forever)
        thread.start()
        monkeypatch.setattr("studykit.cli.launcher.page.GRAFANA_PORT", answering.server_port)
        rows = [row for row in service_rows(Workspace(tmp_path)) if row.title == "Grafana"]
        answering.shutdown()
        thread.join()
    address = f"http://{HOST}:{answering.server_port}/"
    assert [link for row in rows for _, link in row.links] == [address] * shown


def test_the_page_is_for_those_who_are_logged_in(server: httpx.Client, metrics_port: int) -> None:
    for address in ("/services/", f"/proxy/{metrics_port}/metrics"):
        refused = httpx.get(server.base_url.join(address), trust_env=False)
        assert refused.is_redirect and "/login" in refused.headers["location"]


def test_the_page_of_a_job_is_seen_through_jupyterlab(
    server: httpx.Client, metrics_port: int
) -> None:
    page = server.get("/services/", timeout=90).text
    links = re.findall(rf'href="\.\.(/proxy/{metrics_port}/\w+)"', page)
    metrics, health = (server.get(link) for link in links)
    assert metrics.text == "features_consumed_total 3\n"
    assert health.json()["job"] == "features"


def test_a_button_of_the_page_runs_a_command_and_shows_what_it_says(server: httpx.Client) -> None:
    page = server.get("/services/", timeout=90).text
    token = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert token
    form = {"_xsrf": token[1], "command": "down"}
    assert server.post("/services/do", data=form).is_redirect

    def done() -> bool:
        return "Done." in server.get("/services/").text

    assert wait_until(done, 90)
    assert "$ study down" in server.get("/services/").text


@pytest.mark.parametrize(
    ("form", "status"), [({"command": "down"}, 403), ({"command": "down; ls"}, 400)]
)
def test_a_form_from_elsewhere_is_refused(
    server: httpx.Client, form: dict[str, str], status: int
) -> None:
    token = re.search(r'name="_xsrf" value="([^"]+)"', server.get("/services/", timeout=90).text)
    assert token
    signed = {**form, "_xsrf": token[1]} if status == 400 else form
    assert server.post("/services/do", data=signed).status_code == status
