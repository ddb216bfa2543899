"""A plain `jupyter lab`, typed in the installed environment, is as `study lab`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from studykit.cli.jupyter import jupyter_folders
from studykit.services.ports import HOST, free_port
from studykit.services.supervision.waiting import wait_until

CLONE = Path(__file__).parents[2]
JUPYTER_LAB = Path(sys.prefix) / "bin" / "jupyter-lab"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Start it in the clone's root, and give a client that is logged in."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    command = [JUPYTER_LAB, "--no-browser", f"--port={port}", "--IdentityProvider.token=word"]
    with subprocess.Popen(
        command,
        cwd=CLONE,
        env={**kept, **jupyter_folders(tmp_path_factory.mktemp("jupyter"))},
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
