"""`study lab`: the services, and JupyterLab on the study guide.

JupyterLab runs in this process, so it ends with this process. Its settings, logs and open tabs are
below the workspace: those of a JupyterLab that the person uses elsewhere are neither read nor
changed. It listens on the loopback interface and asks nothing of the internet.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from flink_jobs.errors import ForeseenError
from studykit.errors import StudyError
from studykit.services.flink.cluster import JobManager
from studykit.services.kafka import Kafka
from studykit.services.network.ports import HOST, is_taken, owner
from studykit.services.redis import Redis
from studykit.services.up import up
from studykit.workspace import Workspace

PORT = 8888
LANDING_PAGE = "StudyDoc.md"

_CLONE = Path(__file__).resolve().parents[2]
_SETTINGS = Path(__file__).with_name("jupyter_settings")
_LANDING_PATH = f"/lab/tree/{LANDING_PAGE}"
_OTHER_PORTS = 50
_PATIENCE_SECONDS = 5.0


def lab(
    workspace: Workspace,
    console: Console,
    *,
    port: int | None = None,
    services: bool = True,
    browser: bool = True,
) -> None:
    """Start the services, then serve JupyterLab until Ctrl-C, which ends this process.

    A service that does not start is reported, and JupyterLab starts without it: most lessons need
    no service.

    Args:
        workspace: Where services and JupyterLab keep their files.
        console: Where to say what happens.
        port: The port of JupyterLab; None takes the first free one from `PORT` on.
        services: Whether to start Kafka and Redis.
        browser: Whether to open a browser, if there is one.

    Raises:
        StudyError: The port is taken, or the study guide is not there.
    """
    if not (_CLONE / LANDING_PAGE).is_file():
        raise StudyError(f"there is no {LANDING_PAGE} in {_CLONE}: run `study lab` from a clone")
    if port is not None and is_taken(port):
        raise StudyError(
            f"port {port} is taken by {owner(port)}: choose another, "
            "or none and a free one is found"
        )
    if services:
        _start_services(workspace, console)
    _serve(workspace, console, port, browser=browser and has_browser(os.environ, sys.platform))
    console.print(f"\nJupyterLab stopped.{_left(workspace)}", highlight=False)
    os._exit(0)  # a thread that waits for a kernel which will never answer would hold Python up


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Return whether a graphical browser can open; a text browser would take over the terminal."""
    return platform == "darwin" or any(
        environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )


def jupyter_folders(home: Path) -> dict[str, str]:
    """Return the environment variables that keep Jupyter's and IPython's files below `home`."""
    return {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }


def _start_services(workspace: Workspace, console: Console) -> None:
    try:
        up(workspace, console)
    except ForeseenError as error:
        console.print(str(error), style="red", highlight=False, markup=False)
        console.print("JupyterLab starts without; `make doctor` says more.", highlight=False)


def _left(workspace: Workspace) -> str:
    """Name the services that go on without JupyterLab."""
    names = [service.title for service in (Kafka, Redis, JobManager) if service.record(workspace)]
    return f" Still running: {', '.join(names)}; `make down` stops services." if names else ""


def _serve(workspace: Workspace, console: Console, port: int | None, *, browser: bool) -> None:
    home, log = workspace.home / "jupyter", workspace.logs / "lab.log"
    _prepare(home)
    from jupyterlab.labapp import LabApp  # noqa: PLC0415 - reads the environment on import

    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(16)
    try:
        with _output_to(log):
            server = LabApp.initialize_server(_options(home, port, token, browser=browser))
    except SystemExit:
        raise StudyError(f"JupyterLab does not start: the end of {log} says why") from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _stop(server))
    console.print(
        f"\n[bold]JupyterLab[/]  http://{HOST}:{server.port}{_LANDING_PATH}?token={token}\n"
        "Ctrl-C stops it.",
        highlight=False,
        soft_wrap=True,
    )
    with _output_to(log):
        server.start()
        _kill_kernels()  # the server does not know of a kernel that was just being started


def _stop(server: Any) -> None:  # noqa: ANN401
    """Stop JupyterLab without a question, and without waiting long for a kernel that is stuck."""
    server.stop(from_signal=True)
    threading.Timer(_PATIENCE_SECONDS, server.io_loop.add_callback, [server.io_loop.stop]).start()


def _kill_kernels() -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Let this process and its kernels write to `log`: the terminal shows a person's own lines."""
    terminal = {number: os.dup(number) for number in (1, 2)}
    try:
        with log.open("ab") as file:
            for number in terminal:
                os.dup2(file.fileno(), number)
        yield
    finally:
        for number, copy in terminal.items():
            os.dup2(copy, number)
            os.close(copy)


def _prepare(home: Path) -> None:
    """Set the environment by which JupyterLab and its kernels find their files and programs."""
    # Of another JupyterLab, such as that in whose terminal this was typed: its paths would win.
    for name in [name for name in os.environ if name.startswith("JUPYTER_")]:
        if name != "JUPYTER_TOKEN":
            del os.environ[name]
    os.environ.update(jupyter_folders(home))
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]])
    shutil.rmtree(home / "workspaces", ignore_errors=True)  # else it opens the tabs of last time


def _shared_settings() -> dict[str, Any]:
    """Return what a plain `jupyter lab` in this environment reads, too, as it is installed there.

    The study guide first; no redirect file, since some browsers may not read hidden folders; root
    is allowed, as in a container; .py files stay text for jupytext; the extension manager does not
    ask the package index; what only developers need is not listed.
    """
    sections = json.loads((_SETTINGS / "jupyter_lab_config.json").read_text())
    return {
        f"{section}.{name}": value
        for section, settings in sections.items()
        for name, value in settings.items()
    }


def _options(home: Path, port: int | None, token: str, *, browser: bool) -> list[str]:
    options = {
        **_shared_settings(),
        "ServerApp.ip": HOST,
        "ServerApp.port": port or PORT,
        "ServerApp.port_retries": 0 if port else _OTHER_PORTS,
        "ServerApp.root_dir": _CLONE,
        "ServerApp.open_browser": browser,
        "IdentityProvider.token": token,
        "ServerApp.terminado_settings": {"shell_command": [os.environ.get("SHELL") or "/bin/sh"]},
        "LabApp.app_settings_dir": _SETTINGS,
        "LabApp.user_settings_dir": home / "settings",
        "LabApp.workspaces_dir": home / "workspaces",
    }
    return [f"--{name}={value}" for name, value in options.items()]
