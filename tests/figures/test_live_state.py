"""The picture of live state says what was watched, in curves, words and rows."""

from __future__ import annotations

from itertools import pairwise

from studykit.figures.operators import live_state
from studykit.trace.operators.holders import (
    DAY_MS,
    Forever,
    PaymentRecord,
    Timers,
    TimeToLive,
    watched,
)
from studykit.widgets.reel import reel_of

LOG = [
    PaymentRecord("a", 0, 0),
    PaymentRecord("b", DAY_MS, DAY_MS),
    PaymentRecord("c", 2 * DAY_MS, 2 * DAY_MS),
]
HOLDERS = {"nothing": Forever(), "time to live": TimeToLive(DAY_MS), "timer": Timers(2 * DAY_MS)}
RUN = watched(LOG, HOLDERS, every_ms=DAY_MS)
LAST = len(RUN.moments)


def gids(step: int) -> set[str]:
    figure = live_state.draw(RUN, step)
    return {gid for artist in figure.findobj() if (gid := artist.get_gid())}


def test_a_curve_for_each_holder_ends_at_what_it_holds() -> None:
    assert gids(0) == {"held:nothing:0", "held:time to live:0", "held:timer:0"}
    assert gids(LAST - 1) == {"held:nothing:3", "held:time to live:1", "held:timer:3"}
    assert gids(LAST) == {"held:nothing:3", "held:time to live:1", "held:timer:0"}


def test_words_and_rows_say_the_same() -> None:
    assert "nothing is held" in live_state.describe(RUN, 0)
    assert "the stream has ended" in live_state.describe(RUN, LAST)
    assert "timer 0" in live_state.describe(RUN, LAST)
    assert "timer -3" in live_state.happened(RUN, LAST)
    rows = live_state.table(RUN, LAST)
    assert rows[-1] == {"day": "2.0", "nothing": 3, "time to live": 1, "timer": 0}
    assert len(rows) == LAST == reel_of(RUN).last


def test_no_name_is_written_upon_another() -> None:
    for step in range(LAST + 1):
        (axes,) = live_state.draw(RUN, step).axes
        names = [text for text in axes.texts if ": " in text.get_text()]
        heights = sorted(name.xy[1] for name in names)
        assert len(names) == len(HOLDERS)
        assert all(after - before > 0.2 for before, after in pairwise(heights))


def test_one_may_jump_by_week():
    month = [PaymentRecord(f"{day}", day * DAY_MS, day * DAY_MS) for day in range(30)]
    reel = reel_of(watched(month, {"nothing": Forever()}, every_ms=DAY_MS))
    assert [reel.times[step] // DAY_MS for step in reel.landmarks["week"]] == [7, 14, 21, 28]
