"""The picture of served against recomputed says what the readings say."""

from __future__ import annotations

from studykit.figures.operators import served_recomputed
from studykit.trace.operators.serving import CARD_STORY, serve
from studykit.widgets.reel import reel_of

RUN = serve(CARD_STORY, "c7")


def gids(step: int) -> set[str]:
    figure = served_recomputed.draw(RUN, step)
    return {artist.get_gid() for axes in figure.axes for artist in axes.get_children()} - {None}


def test_both_values_the_gap_and_the_moment_are_drawn() -> None:
    step = 1 + [reading.at_ms for reading in RUN.readings].index(222_000)
    assert {"served:4", "recomputed:5", "gap", "now:222", "payment:4"} <= gids(step)
    assert "payment:5" not in gids(step)
    assert gids(0) == set()


def test_a_payment_that_has_happened_is_drawn_before_it_arrives() -> None:
    step = 1 + [reading.at_ms for reading in RUN.readings].index(180_000)
    assert {"payment:3", "on the way:4", "on the way:6"} <= gids(step)
    assert not {"payment:4", "payment:6", "on the way:3", "on the way:5"} & gids(step)


def test_words_and_rows_agree_with_every_reading() -> None:
    for step, reading in enumerate(RUN.readings, start=1):
        said = served_recomputed.describe(RUN, step)
        assert f"serves {reading.served};" in said
        assert f"it is {reading.recomputed}." in said
        assert ("They agree." in said) == (not any(reading.skew))
        row = served_recomputed.table(RUN, step)[-1]
        assert (row["served"], row["recomputed"]) == (reading.served, reading.recomputed)


def test_one_may_jump_by_event_by_firing_and_by_gap() -> None:
    landmarks = reel_of(RUN).landmarks
    assert len(landmarks["event"]) == len(RUN.payments)
    assert all(RUN.readings[step - 1].gap for step in landmarks["gap"])
    for step in landmarks["firing"]:
        words = served_recomputed.happened(RUN, step)
        assert "a row is written" in words
