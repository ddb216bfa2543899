"""The page itself: what runs, where to look at it, and buttons that do what `study` does.

Every button is a command of `study`, run beside the page; the page shows what the command says.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket
from tornado.template import Loader
from tornado.web import Application, HTTPError, RequestHandler

from studykit.cli.job_status import job_lines
from studykit.course.builder.navigation import title
from studykit.course.layout import Course
from studykit.course.learner.copies import copy_of
from studykit.exercises.catalog import labs
from studykit.services.addresses import Addresses
from studykit.services.flink.cluster import JobManager
from studykit.services.kafka import Kafka
from studykit.services.network.http import get
from studykit.services.network.ports import HOST
from studykit.services.redis import Redis
from studykit.workspace import Workspace

COMMANDS: Final = {
    "up": "Start Kafka and Redis",
    "up --flink": "Start Flink, too",
    "down": "Stop them",
}
GRAFANA_PORT: Final = 3000
_LINES: Final = 200
_GLANCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """A service: its address while it runs, else why it does not, and pages of it."""

    title: str
    address: str | None
    absence: str = "not running"
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A number of the path: its lesson, its lab, and the person's copy, as paths in the clone."""

    number: str
    title: str
    lesson: str | None
    lab: str | None
    copy: str | None


@dataclass
class Work:
    """The command that a button has started, or the last one, and what it has said."""

    title: str = ""
    running: bool = False
    task: asyncio.Task[None] | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))

    async def run(self, words: str) -> None:
        """Run `study` with `words`, keeping what it says, line by line."""
        process = await asyncio.create_subprocess_exec(
            Path(sys.prefix) / "bin" / "study",
            *words.split(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        async for line in process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
        status = await process.wait()
        self.lines.append("Done." if status == 0 else f"Ended with status {status}.")
        self.running = False


def service_rows(workspace: Workspace) -> Iterator[Row]:
    """Yield what runs in the workspace; links lead through JupyterLab, which asks for the login."""
    addresses = Addresses.find(workspace)
    for service in (Kafka, Redis):
        record = service.record(workspace)
        yield Row(service.title, f"{HOST}:{record.port}" if record else None)
    flink = JobManager.record(workspace)
    if flink:
        page = ("its web page", f"../proxy/{flink.port}/")
        yield Row(JobManager.title, f"{HOST}:{flink.port}", links=(page,))
    else:
        yield Row(JobManager.title, None)
    port = addresses.metrics_port
    if job_lines(port):
        pages = ("metrics", f"../proxy/{port}/metrics"), ("health", f"../proxy/{port}/healthz")
        yield Row("Feature job", f"{HOST}:{port}", links=pages)
    else:
        yield Row("Feature job", None, "not running: make run-features FOLLOW=1 in a terminal")
    if grafana_answers(GRAFANA_PORT):
        # Its pages ask for addresses from its own root, so JupyterLab's proxy cannot show them.
        page = ("dashboards, from this machine", f"http://{HOST}:{GRAFANA_PORT}/")
        yield Row("Grafana", f"{HOST}:{GRAFANA_PORT}", links=(page,))


def grafana_answers(port: int) -> bool:
    """Return whether the Grafana of docker-compose.yml, or another, listens on a loopback port."""
    try:
        health = get(port, "/api/health", _GLANCE_S).json()
    except (OSError, ValueError):
        return False
    return isinstance(health, dict) and {"database", "version"} <= health.keys()


def chapters(course: Course) -> list[Chapter]:
    """Return the lessons and labs of the path, by number."""
    lessons = {source.stem[:2]: source for source in course.lesson_sources()}
    by_number = {lab.number: lab for lab in labs()}
    found = []
    for number in sorted(lessons.keys() | by_number.keys()):
        lesson, lab = lessons.get(number), by_number.get(number)
        copy = copy_of(lab, course) if lab else None
        found.append(
            Chapter(
                number,
                title(lesson) if lesson else "",
                f"notebooks/{lesson.stem}.ipynb" if lesson else None,
                lab.name if lab else None,
                copy.relative_to(course.root).as_posix() if copy else None,
            )
        )
    return found


class _Page(RequestHandler):
    def initialize(self, work: Work) -> None:
        self.work = work

    def get(self) -> None:
        self.render(
            "page.html",
            rows=list(service_rows(Workspace.of_clone())),
            chapters=chapters(Course.of_clone()),
            commands=COMMANDS.items(),
            work=self.work,
            token=self.xsrf_form_html(),
        )


class _Do(RequestHandler):
    def initialize(self, work: Work) -> None:
        self.work = work

    def post(self) -> None:
        """Start a command, one at a time: a second click while one runs only shows the page."""
        words = self.get_body_argument("command")
        numbers = {f"start {lab.number}" for lab in labs()}
        if words not in COMMANDS.keys() | numbers:
            raise HTTPError(400, reason="this page has no such button")
        if not self.work.running:
            self.work.title, self.work.running = f"study {words}", True
            self.work.lines.clear()
            self.work.lines.append(f"$ study {words}")
            self.work.task = asyncio.get_running_loop().create_task(self.work.run(words))
        self.redirect("./")


def application() -> Application:
    """Return the page, with its one piece of work."""
    work = Work()
    settings: dict[str, Any] = {
        "template_loader": Loader(str(Path(__file__).parent)),
        "xsrf_cookies": True,
        "xsrf_cookie_name": "_services_xsrf",  # JupyterLab has an `_xsrf` at the same address
    }
    handlers = [(r"/", _Page, {"work": work}), (r"/do", _Do, {"work": work})]
    return Application(handlers, **settings)


async def serve(socket: str) -> None:
    """Serve the page on a socket in the file system until the process is ended."""
    HTTPServer(application()).add_socket(bind_unix_socket(socket, mode=0o600))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
