"""Feast beside the lesson: what was recorded, what it takes to install it, and Feast itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from studykit.errors import StudyError
from studykit.services.feast import environment
from studykit.services.feast.beside import Answers, beside_feast, recording
from studykit.services.feast.environment import VERSION, feast_python, install_feast
from studykit.trace.operators.serving import CARD_STORY, serve
from studykit.workspace import Workspace

AT_MS = 283_000
CLONE = Workspace.of_clone()
RUN = serve(CARD_STORY, "c7")
ROWS = [row for row in RUN.writes if row.window_end <= 240_000]


def test_without_feast_the_answers_are_those_recorded_for_the_rows_of_the_lesson(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = beside_feast(ROWS, AT_MS, Workspace(tmp_path))
    assert answers == recording().answers
    assert f"Feast {VERSION}, recorded on {recording().recorded}" in capsys.readouterr().out


def test_the_recorded_answers_are_what_the_two_rules_give() -> None:
    """An equal time is refused online; offline the newest is joined by the end of its window."""
    newest = max(ROWS, key=lambda row: row.order)
    first = next(row for row in ROWS if row.window_end == newest.window_end)
    readable = RUN.at(AT_MS).row
    assert readable is not None
    assert recording().answers == Answers(
        served=first.value, joined=newest.value,
        served_by_revision=newest.value, joined_by_readable=readable.value,
    )  # fmt: skip


def test_nothing_is_recorded_for_other_rows(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="`study feast` installs Feast"):
        beside_feast(ROWS[1:], AT_MS, Workspace(tmp_path))


def test_an_installation_that_was_interrupted_is_built_anew_and_a_whole_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    told: list[str] = []

    def uv(verb: str, *words: str) -> None:
        ran.append(verb)
        if verb == "venv":
            (Path(words[-1]) / "bin").mkdir(parents=True)
            (Path(words[-1]) / "bin" / "python").touch()
        elif len(ran) < 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(environment, "_uv", uv)
    monkeypatch.setattr(environment, "sys", SimpleNamespace(version_info=(3, 11), executable=""))
    workspace = Workspace(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        install_feast(workspace, told.append)
    assert feast_python(workspace) is None
    (tmp_path / "feast" / "bin" / "python").unlink()
    (tmp_path / "feast" / "bin").rmdir()
    python = install_feast(workspace, told.append)
    assert feast_python(workspace) == python
    assert install_feast(workspace, told.append) == python
    assert ran == ["venv", "pip", "venv", "pip"]
    assert told[-1].startswith(f"Feast {VERSION} is here already")


def test_another_lock_asks_for_another_installation(tmp_path: Path) -> None:
    folder = tmp_path / "feast"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / ".installed").write_text("feast==0.1\n")
    assert feast_python(Workspace(tmp_path)) is None


if feast_python(CLONE):  # 450 MB that only whoever asked for them has: `study feast`

    @pytest.mark.services
    def test_feast_itself_answers_as_it_did() -> None:
        assert beside_feast(ROWS, AT_MS, CLONE) == recording().answers
