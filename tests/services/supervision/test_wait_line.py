"""The line under a cell that waits: it counts, and it goes."""

from __future__ import annotations

import threading

import IPython.display
import pytest

from studykit.services.supervision import wait_line as module
from studykit.services.supervision.wait_line import Interruption, wait_line


class Cell:
    """The output of a cell: lines that are shown, changed and cleared."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.cleared = 0
        self.twice = threading.Event()

    def display(self, bundle: dict[str, str], **_: object) -> Cell:
        self.update(bundle)
        return self

    def update(self, bundle: dict[str, str], **_: object) -> None:
        self.lines.append(bundle["text/plain"])
        if len(self.lines) == 2:
            self.twice.set()

    def clear(self) -> None:
        self.cleared += 1


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    cell = Cell()
    monkeypatch.setattr(IPython.display, "display", cell.display)
    monkeypatch.setattr(IPython.display, "clear_output", cell.clear)
    monkeypatch.setattr(module, "_in_notebook", lambda: True)
    return cell


def test_a_wait_counts_its_seconds_and_takes_its_line_away(cell, monkeypatch) -> None:
    monkeypatch.setattr(module, "_EVERY_S", 0.001)
    with pytest.raises(Interruption) as interruption, wait_line("Java starts"):
        assert cell.twice.wait(60)
        raise KeyboardInterrupt
    assert interruption.value._render_traceback_() == ["interrupted: run the cell again"]
    assert cell.lines[0].startswith("Java starts: ")
    assert cell.cleared == 1
    assert [thread for thread in threading.enumerate() if thread.name == "wait line"] == []


def test_what_takes_no_second_shows_nothing_and_clears_nothing(cell) -> None:
    with wait_line("Java starts"):
        pass
    assert (cell.lines, cell.cleared) == ([], 0)


def test_outside_of_a_notebook_nothing_is_shown(cell, monkeypatch) -> None:
    monkeypatch.undo()
    assert not module._in_notebook()
