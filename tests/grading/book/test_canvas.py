"""Sending marks to Canvas: what differs, and no more.

No Canvas can run here. The stand-in answers over HTTP as Canvas documents it: bearer tokens, pages
with `Link` headers, a bulk update that is a job, and its progress. `canvasapi` is the real one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from studykit.cli.app import app
from studykit.services.network.ports import free_port

TOKEN = "7~the-token"
ASSIGNMENT = "/api/v1/courses/123/assignments/789"
FILE = """Student,ID,SIS User ID,SIS Login ID,Section,lab05 (789)
    Points Possible,,,,,5.0
"Ames, Ada",11,,ada,one,4
"Bo, Bea",12,,bea,one,5.00
"Cu, Cem",13,,cem,one,
"Do, Dan",14,,dan,one,3
"Ek, Eve",15,,eve,one,2
"""


@dataclass
class Canvas:
    """What the stand-in holds: scores by person, and the jobs that it was given."""

    scores: dict[int, float | None]
    address: str = ""
    ends: str = "completed"
    updates: list[dict[str, list[str]]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """The requests that `canvasapi` makes for marks."""

    held: Canvas

    def answer(self, content: object, status: int = 200, **headers: str) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            refusal = {"errors": [{"message": "Invalid access token."}]}
            self.answer(refusal, 401, **{"WWW-Authenticate": 'Bearer realm="canvas-lms"'})
        elif address.path == "/api/v1/courses/123":
            self.answer({"id": 123, "name": "streams"})
        elif address.path == ASSIGNMENT:
            self.answer({"id": 789, "course_id": 123, "name": "lab05"})
        elif address.path == f"{ASSIGNMENT}/submissions":
            self.page(int(parse_qs(address.query).get("page", ["1"])[0]))
        elif address.path == "/api/v1/progress/6":
            self.answer({"id": 6, "workflow_state": self.held.ends})
        else:
            self.answer({"errors": [{"message": "The resource does not exist."}]}, 404)

    def page(self, number: int) -> None:
        """Answer with two people; where more follow, `Link` says where they are."""
        people = [{"user_id": who, "score": score} for who, score in self.held.scores.items()]
        here = people[2 * number - 2 : 2 * number]
        following = f'<{self.held.address}{ASSIGNMENT}/submissions?page={number + 1}>; rel="next"'
        self.answer(here, **({"Link": following} if 2 * number < len(people) else {}))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.held.updates.append(form)
        self.answer({"id": 6, "workflow_state": "queued"})

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def canvas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Canvas]:
    held = Canvas({11: 1.0, 12: 5.0, 13: None, 14: None})

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Handler,), {"held": held}))
    held.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("CANVAS_URL", held.address)
    monkeypatch.setenv("CANVAS_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setattr("studykit.grading.book.canvas._PAUSE_S", 0)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "marks-for-canvas.csv").write_text(FILE)
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


def typed(tmp_path: Path, *words: str, course: str = "123") -> tuple[int, str]:
    file = str(tmp_path / "marks-for-canvas.csv")
    done = CliRunner().invoke(app, ["canvas", file, "--course", course, *words])
    return done.exit_code, done.output


@pytest.mark.filterwarnings("ignore:Canvas may respond unexpectedly")  # to http, says canvasapi
class TestCanvas:
    def test_a_dry_run_lists_what_differs_and_sends_nothing(
        self, canvas: Canvas, tmp_path: Path
    ) -> None:
        assert typed(tmp_path) == (
            0,
            "11: 1 -> 4\n14: no mark -> 3\n15: not in this assignment, left out\n"
            "Nothing was sent. --send sends these 2.\n",
        )
        assert canvas.updates == []

    def test_only_what_differs_is_sent(self, canvas: Canvas, tmp_path: Path) -> None:
        status, said = typed(tmp_path, "--send")
        assert (status, said.splitlines()[-1]) == (0, "Canvas has taken 2 marks.")
        sent = {f"grade_data[{who}][posted_grade]": [mark] for who, mark in ((11, "4"), (14, "3"))}
        assert canvas.updates == [sent]

    def test_marks_that_are_there_are_not_sent_again(self, canvas: Canvas, tmp_path: Path) -> None:
        canvas.scores |= {11: 4.0, 14: 3.0}
        status, said = typed(tmp_path, "--send")
        assert (status, said.splitlines()[-1]) == (0, "Canvas has these marks already.")
        assert canvas.updates == []

    def test_a_job_that_canvas_gives_up_is_said(self, canvas: Canvas, tmp_path: Path) -> None:
        canvas.ends = "failed"
        status, said = typed(tmp_path, "--send")
        assert status == 1
        assert "Canvas has not taken the marks (its job is failed)" in said

    def test_a_token_that_is_refused_is_one_sentence_without_it(
        self, canvas: Canvas, tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text("7~another")
        status, said = typed(tmp_path)
        assert (status, said.count("\n")) == (1, 1)
        assert said.startswith("Canvas refuses (InvalidAccessToken): check the course")
        assert "another" not in said

    def test_a_course_that_is_not_there_is_named(self, canvas: Canvas, tmp_path: Path) -> None:
        status, said = typed(tmp_path, course="124")
        assert status == 1
        assert said.startswith("Canvas refuses (ResourceDoesNotExist)")

    def test_nobody_there_is_one_sentence(
        self, canvas: Canvas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CANVAS_URL", f"http://127.0.0.1:{free_port()}")
        assert typed(tmp_path) == (
            1,
            "Canvas does not answer: check CANVAS_URL and the connection\n",
        )


def test_a_file_of_another_system_is_refused(tmp_path: Path) -> None:
    (tmp_path / "marks-for-canvas.csv").write_text("github_username,points_awarded\nada,3\n")
    status, said = typed(tmp_path)
    assert status == 1
    assert "is of classroom: fill the gradebook that Canvas exports" in said


def test_without_an_address_the_settings_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CANVAS_URL", raising=False)
    (tmp_path / "marks-for-canvas.csv").write_text(FILE)
    status, said = typed(tmp_path)
    assert status == 1
    assert said.startswith("set CANVAS_URL to the address of Canvas, and CANVAS_TOKEN_FILE")
