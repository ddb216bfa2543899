"""The picture of the price of waiting says which bounds cost more than chance."""

from __future__ import annotations

from studykit.figures.operators import price_of_waiting
from studykit.trace.operators.waits import Wait, Waits
from studykit.widgets.reel import reel_of

WAITS = Waits((Wait(0, 0.75), Wait(30, 0.74), Wait(3_600, 0.5), Wait(172_800, 0.25)), 0.72, 0.76)


def gids(step: int) -> set[str]:
    figure = price_of_waiting.draw(WAITS, step)
    return {artist.get_gid() for axes in figure.axes for artist in axes.get_children()} - {None}


def test_a_mark_has_another_shape_where_the_loss_is_beyond_chance() -> None:
    seeds = "seeds:0.72-0.76"
    assert gids(0) == {seeds}
    assert gids(2) == {seeds, "bound:0:within", "bound:30:within"}
    assert gids(4) >= {"bound:3600:beyond", "bound:172800:beyond"}


def test_words_name_the_change_and_the_first_costly_bound() -> None:
    said = [price_of_waiting.describe(WAITS, step) for step in range(5)]
    assert said[0] == "No model has been measured yet."
    assert "30 s the average precision is 0.740, -0.010 against no wait" in said[2]
    assert said[2].endswith("No bound so far costs more than that range.")
    assert all(words.endswith("costs more than that range is 1 h.") for words in said[3:])


def test_rows_agree_with_the_models() -> None:
    rows = price_of_waiting.table(WAITS, 4)
    assert [row["bound"] for row in rows] == ["0 s", "30 s", "1 h", "2 d"]
    assert [row["lost"] for row in rows] == ["+0.0000", "+0.0100", "+0.2500", "+0.5000"]
    assert [row["more than chance"] for row in rows] == ["no", "no", "yes", "yes"]
    assert price_of_waiting.table(WAITS, 1) == rows[:1]


def test_a_step_is_a_bound() -> None:
    assert reel_of(WAITS).last == 4
    assert price_of_waiting.happened(WAITS, 3) == "A bound of 1 h."
