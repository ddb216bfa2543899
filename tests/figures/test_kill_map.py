"""The kill map says what each kill leaves, in marks, words and rows."""

from __future__ import annotations

import pytest

from studykit.figures.operators import kill_map
from studykit.trace.operators.kills import DESIGNS, killed_everywhere
from studykit.widgets.reel import reel_of
from studykit.widgets.stepper import Stepper

KILLS = killed_everywhere()
FIRST = "commit, then write"


def gids(step: int, design: str, checkpoint: int) -> set[str]:
    figure = kill_map.draw(KILLS, step, design=design, checkpoint=checkpoint)
    return {gid for artist in figure.findobj() if (gid := artist.get_gid())}


def test_every_cell_has_its_mark_and_the_chosen_one_its_square() -> None:
    assert {"right:295", "lost:2", "doubled:0", "cell:4:15:lost"} <= gids(15, FIRST, 4)
    assert {"right:297", "cell:4:15:right"} <= gids(15, "write, then commit, replace", 4)


def test_below_the_map_are_both_runs_and_what_the_sink_has() -> None:
    assert {
        "first:4", "checkpoint:4", "second:5", "payment:3:lost", "payment:4:right",
    } <= gids(15, FIRST, 4)  # fmt: skip
    assert "payment:2:doubled" in gids(22, "write, then commit, add up", 3)


@pytest.mark.parametrize("design", [design.name for design in DESIGNS])
def test_before_anything_is_read_there_is_no_first_run(design: str) -> None:
    found = gids(0, design, 0)
    assert not any(gid.startswith(("first:", "checkpoint:")) for gid in found)
    assert "second:1" in found


def test_words_and_rows_say_the_same() -> None:
    said = kill_map.describe(KILLS, 15, design=FIRST, checkpoint=4)
    assert "4 payments read and a checkpoint after #4" in said
    assert "reads on from #5" in said
    assert "#1 to #3 lost" in said
    assert "Of all 297 cells 2 are wrong" in said
    row = kill_map.table(KILLS, 15)[4]
    assert (row["checkpoint after"], row[FIRST]) == ("#4", "#1 to #3 lost")
    assert kill_map.happened(KILLS, 15) == "Killed with #4 between write and commit."
    assert kill_map.happened(KILLS, 0) == "Killed before anything is read."


def test_one_can_jump_to_the_moments_between_write_and_commit() -> None:
    marks = reel_of(KILLS).landmarks
    assert list(marks["write/commit"]) == [3, 7, 11, 15, 19, 23, 27, 31]
    assert list(marks["payment"]) == [0, 4, 8, 12, 16, 20, 24, 28, 32]


def test_design_and_checkpoint_are_chosen_in_the_widget() -> None:
    shown = Stepper(KILLS, kill_map, step=15)
    shown.choices["design"].value = FIRST
    shown.choices["checkpoint"].value = 4
    assert "#1 to #3 lost" in shown.sentence.value
