"""What figures say: asked of their artists' group ids, of their sentences and of their tables."""

from __future__ import annotations

import re
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from msgspec.structs import replace

from studykit.drawing import style
from studykit.figures import plane
from studykit.figures.clocks import (
    bound_tradeoff,
    marbles,
    min_watermark,
    two_clocks,
    watermark_stepper,
)
from studykit.figures.exhibit import Exhibit
from studykit.figures.operators import keyed_state
from studykit.figures.windows import assigners, panes, window_life
from studykit.trace.payments import seeded
from studykit.trace.simulate import Policy, Trace, simulate
from studykit.trace.stories import SILENT_PARTITION, STORY, STORY_POLICY, TWO_VISITS
from studykit.trace.view import view

STORY_TRACE = simulate(STORY, STORY_POLICY)
KEYED = simulate(STORY, replace(STORY_POLICY, keyed=True))
VISITS = simulate(TWO_VISITS, Policy(size_ms=6_000, slide_ms=3_000, gap_ms=4_000))
SILENT = simulate(SILENT_PARTITION, Policy(bound_ms=4_000, idle_ms=5_000))

SHOWN: MappingProxyType[str, tuple[Exhibit[Trace], Trace]] = MappingProxyType(
    {
        "two_clocks": (two_clocks, STORY_TRACE),
        "watermark_stepper": (watermark_stepper, STORY_TRACE),
        "window_life": (window_life, KEYED),
        "marbles": (marbles, STORY_TRACE),
        "assigners": (assigners, VISITS),
        "bound_tradeoff": (bound_tradeoff, STORY_TRACE),
        "min_watermark": (min_watermark, SILENT),
        "keyed_state": (keyed_state, KEYED),
        "panes": (panes, STORY_TRACE),
    }
)
every_figure = pytest.mark.parametrize(("exhibit", "trace"), SHOWN.values(), ids=SHOWN.keys())


def gids(figure: Figure) -> set[str]:
    return {gid for artist in figure.findobj() if (gid := artist.get_gid())}


def said(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(mpl.text.Text)} - {""}


def end(exhibit: Exhibit[Trace], trace: Trace) -> tuple[set[str], str]:
    step = len(trace.steps)
    return gids(exhibit.draw(trace, step)), exhibit.describe(trace, step)


# --- the numbers of the story --------------------------------------------------------------------


def test_two_clocks_shows_that_event_4_was_8_s_under_way() -> None:
    step = STORY_TRACE.step_at(11_000)
    assert two_clocks.describe(STORY_TRACE, step).startswith(
        "Event #4 happened at 3 s, arrived at 11 s: skew 8 s."
    )
    assert "skew:4:8000" in gids(two_clocks.draw(STORY_TRACE, step))


def test_two_clocks_tells_of_no_watermark() -> None:
    told = [two_clocks.happened(STORY_TRACE, step) for step in range(len(STORY_TRACE.steps) + 1)]
    assert "watermark" not in " ".join(told)
    assert "Event #4 happened at 3 s and arrives at 11 s." in told
    assert sum(words.startswith("Event ") for words in told) == len(STORY)


def test_two_clocks_joins_the_events_in_either_order() -> None:
    step = STORY_TRACE.step_at(11_000)
    orders = {}
    for order in two_clocks.CHOICES["order"]:
        figure = two_clocks.draw(STORY_TRACE, step, order=order)
        line = next(artist for artist in figure.findobj() if artist.get_gid() == f"order:{order}")
        orders[order] = list(line.get_xdata())
        assert f"order of {order}" in said(figure)
        rows = two_clocks.table(STORY_TRACE, step, order=order)
        assert [row["happened"] for row in rows] == [f"{at:g} s" for at in orders[order]]
    assert orders == {"arrival": [2, 5, 8, 3], "event time": [2, 3, 5, 8]}
    sentence = two_clocks.describe(STORY_TRACE, step, order="event time")
    assert sentence.endswith("In order of event time: #1, #4, #2, #3.")


def test_results_of_one_moment_share_a_label() -> None:
    words = said(marbles.draw(KEYED, len(KEYED.steps)))
    assert {"a [0,10)=12\nb [0,10)=9", "b [0,10)=10"} <= words


def test_watermark_stepper_shows_every_verdict_of_the_story() -> None:
    ids, sentence = end(watermark_stepper, STORY_TRACE)
    assert {gid for gid in ids if gid.startswith("event:") and gid.count(":") == 2} >= {
        *(f"event:{n}:on time" for n in (1, 2, 3, 4, 5, 6, 8, 9)),
        "event:7:corrected",
        "event:10:dropped",
        "event:4:behind",
        "event:9:behind",
    }
    assert {"window:0-10000:purged", "window:10000-20000:open", "watermark:12999"} <= ids
    assert sentence == (
        "At 23 s the watermark is 12.999 s. 8 on time (2 behind the watermark, window open), "
        "1 corrected, 1 dropped. [0,10) fired 21, re-fired 22."
    )


def test_window_fires_at_15_s_fires_again_at_17_s_and_is_purged_at_18_s() -> None:
    states = {}
    for now_ms in (14_999, 15_000, 17_000, 18_000):
        ids = gids(watermark_stepper.draw(STORY_TRACE, STORY_TRACE.step_at(now_ms)))
        states[now_ms] = (
            {gid for gid in ids if gid.startswith("window:0-") and "open" in gid},
            {
                gid.split(":")[2]
                for gid in ids
                if gid.startswith("window:0-") and gid.count(":") == 2
            }
            - {"name", "open"},
        )
    assert states[14_999][1] == set()
    assert states[15_000][1] == {"fired"}
    assert states[17_000][1] == {"re-fired"}
    assert states[18_000][1] == {"purged"}


def test_window_life_peaks_at_4_windows_at_15_s() -> None:
    ids, sentence = end(window_life, KEYED)
    assert sentence == "State peaks at 4 windows at 15 s; [0,10) is purged at 18 s."
    assert {"result:a:0-10000:0", "result:b:0-10000:1", "purged:a:0-10000", "live:2"} <= ids


def test_panes_sum_to_22_43_and_22() -> None:
    ids, sentence = end(panes, STORY_TRACE)
    assert {"sum:discarding:22", "sum:accumulating:43", "sum:retracting:22"} <= ids
    assert sentence == (
        "Sum for [0,10) at the sink: discarding 22 (21+1), "
        "accumulating 43 (21+22, counted twice), retracting 22 (21-21+22)."
    )


def test_marbles_say_the_same_in_lanes_and_in_text() -> None:
    ids, sentence = end(marbles, STORY_TRACE)
    assert {"event:7:corrected", "event:10:dropped", "tick:9999", "result:all:0-10000:1"} <= ids
    assert sentence.endswith("1 dropped; [0,10) fired 21, re-fired 22.")
    text = "\n".join(said(marbles.draw(STORY_TRACE, STORY_TRACE.step_at(15_000))))
    assert "#4\n3 s" in text
    came, went = text[text.index("in   ") :].splitlines()[:2]
    assert came.index("a14=8") == went.index("[0,10)=21")


def test_late_bridge_fuses_two_sessions() -> None:
    ids, sentence = end(assigners, VISITS)
    assert {"fused:2", "session:all:1000-17000:newest", "sliding:all:3000-9000:newest"} <= ids
    assert sentence == (
        "Event #6, at 7 s, is in 1 tumbling, 2 sliding, 1 session window. "
        "It joins 2 sessions: [1,8) and [11,17) become [1,17)."
    )


def test_silent_partition_is_marked_as_left_out() -> None:
    step = SILENT.step_at(20_000)
    ids = gids(min_watermark.draw(SILENT, step))
    assert {"input:p2:7999:idle", "watermark:13999"} <= ids
    assert "p2 is idle and left out" in min_watermark.describe(SILENT, step)


def test_keyed_state_marks_the_key_that_changes() -> None:
    step = KEYED.step_at(12_000) - 1
    ids = gids(keyed_state.draw(KEYED, step))
    assert {"key:b:changed", "key:a:same"} <= ids
    assert "holds 2 windows, next timers at 9.999 s and 19.999 s" in keyed_state.describe(
        KEYED, step
    )


def test_keys_move_with_the_parallelism_and_their_groups_do_not() -> None:
    places = [keyed_state.place_of("a", parallelism) for parallelism in (1, 2, 3, 4)]
    assert len({place.group for place in places}) == 1
    assert len({place.subtask for place in places}) > 1


# --- every figure --------------------------------------------------------------------------------


@every_figure
def test_every_step_has_a_picture_a_sentence_and_a_table(
    exhibit: Exhibit[Trace], trace: Trace
) -> None:
    last = len(trace.steps)
    for step in range(last + 1):
        if step in (0, 1, last // 2, last):
            assert exhibit.draw(trace, step).axes
        sentence = exhibit.describe(trace, step)
        assert sentence.endswith(".")
        assert "None" not in sentence
        rows = exhibit.table(trace, step)
        assert len({tuple(row) for row in rows}) <= 1
    assert exhibit.table(trace, len(trace.steps))
    assert exhibit.QUESTION.endswith("?")
    assert exhibit.TITLE


@every_figure
def test_drawing_twice_gives_the_same_picture(exhibit: Exhibit[Trace], trace: Trace) -> None:
    step = len(trace.steps)
    assert style.png(exhibit.draw(trace, step)) == style.png(exhibit.draw(trace, step))


@every_figure
def test_drawing_changes_no_global_setting(exhibit: Exhibit[Trace], trace: Trace) -> None:
    before = dict(mpl.rcParams)
    style.png(exhibit.draw(trace, 3))
    assert dict(mpl.rcParams) == before


@every_figure
def test_axes_stay_put_from_step_to_step(exhibit: Exhibit[Trace], trace: Trace) -> None:
    def frame(step: int) -> list[Any]:
        figure = exhibit.draw(trace, step)
        return [(axes.get_xlim(), tuple(axes.get_position().bounds)) for axes in figure.axes]

    assert frame(1) == frame(len(trace.steps))


@every_figure
def test_fits_a_notebook_cell(exhibit: Exhibit[Trace], trace: Trace) -> None:
    figure = exhibit.draw(trace, len(trace.steps))
    width, height = figure.get_size_inches()
    assert width == 8
    assert 1.5 < height < 7.5
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)


@every_figure
def test_no_text_lies_outside_the_picture(exhibit: Exhibit[Trace], trace: Trace) -> None:
    figure = exhibit.draw(trace, len(trace.steps))
    style.png(figure)
    limits = figure.bbox.padded(2)
    for text in figure.findobj(mpl.text.Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            if text.get_gid():
                assert limits.x0 <= box.x0, text.get_text()
                assert box.x1 <= limits.x1, text.get_text()


def test_long_streams_stay_readable() -> None:
    """Many events and windows: only bad news is labelled, and a sentence stays a sentence."""
    policy = Policy(bound_ms=500, size_ms=5_000, keyed=True)
    trace = simulate(seeded(150), policy)
    step = len(trace.steps)
    ids = gids(watermark_stepper.draw(trace, step))
    labelled = {gid.split(":")[1] for gid in ids if re.fullmatch(r"event:\d+:label", gid)}
    dropped = {str(step.number) for step in trace.steps if step.verdict == "dropped"}
    assert labelled == dropped
    assert len(watermark_stepper.describe(trace, step)) < 400
    assert window_life.draw(trace, step).get_figheight() < 10


# --- no meaning by colour alone ------------------------------------------------------------------


def test_each_verdict_has_a_shape_and_a_word_of_its_own() -> None:
    looks = style.VERDICT_LOOKS.values()
    assert len({look.marker for look in looks}) == len({look.word for look in looks}) == 4


def test_each_state_of_a_window_has_a_hatch_or_no_fill() -> None:
    drawn = set()
    for now_ms in (14_999, 15_000, 17_000, 18_000):
        figure = watermark_stepper.draw(STORY_TRACE, STORY_TRACE.step_at(now_ms))
        patch = next(
            artist
            for artist in figure.findobj(mpl.patches.Rectangle)
            if (artist.get_gid() or "").startswith("window:0-")
        )
        drawn.add((patch.get_hatch(), patch.get_facecolor()[3] > 0))
    assert len(drawn) == 4


def test_bad_news_is_written_beside_the_mark() -> None:
    words = said(watermark_stepper.draw(STORY_TRACE, len(STORY_TRACE.steps)))
    assert {"#7 +1 corrected", "#10 +2 dropped", "behind W", "now = 23 s", "21 → 22"} <= words


def test_windows_are_closed_on_the_left_and_open_on_the_right() -> None:
    figure = watermark_stepper.draw(STORY_TRACE, len(STORY_TRACE.steps))
    edge = next(
        line
        for line in figure.findobj(mpl.lines.Line2D)
        if line.get_gid() == "window:10000-20000:open:edge"
    )
    points = list(zip(*edge.get_data(), strict=True))
    sides = [a[0] for a, b in pairwise(points) if a[0] == b[0]]
    assert sides == [10]


# --- numbers that figures work out ---------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 20_000), st.integers(0, 50))
def test_share_kept_is_the_share_that_is_not_behind_the_watermark(bound: int, seed: int) -> None:
    trace = simulate(seeded(60, seed=seed), Policy(bound_ms=bound))
    ahead = sum(not arrival.behind for arrival in view(trace, len(trace.steps)).seen)
    lags = bound_tradeoff.lags(trace, len(trace.steps))
    assert bound_tradeoff.kept_share(lags, bound) == ahead / 60


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_smallest_bound_keeps_the_share_and_1_ms_less_does_not(
    lags: list[int], share: float
) -> None:
    bound = bound_tradeoff.smallest_bound(lags, share)
    assert bound_tradeoff.kept_share(lags, bound) >= share
    assert bound == 0 or bound_tradeoff.kept_share(lags, bound - 1) < share


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100), st.integers(0, 3_000), st.integers(0, 20_000))
def test_discarding_and_retracting_end_at_the_last_result(
    seed: int, bound: int, lateness: int
) -> None:
    policy = Policy(bound_ms=bound, lateness_ms=lateness, size_ms=5_000)
    trace = simulate(seeded(60, seed=seed), policy)
    for window in view(trace, len(trace.steps)).windows:
        for mode in ("discarding", "retracting"):
            if window.results:
                total = sum(emission.value for emission in panes.emissions(window, mode))
                assert total == window.results[-1].total


def test_live_counts_end_at_the_windows_that_are_held() -> None:
    for step in range(len(KEYED.steps) + 1):
        shown = view(KEYED, step)
        counts = window_life.live_counts(shown) or [(0, 0)]
        assert counts[-1][1] == len(shown.live)


def test_plane_has_the_same_scale_on_both_axes() -> None:
    _, axes = plane.new_plane(STORY_TRACE)
    assert axes.get_aspect() == 1
