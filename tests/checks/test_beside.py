"""The learner's own result beside the right one: dashed, numbered, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from studykit.checks.beside import Courses, Spans, Watermarks
from studykit.checks.picture import picture
from studykit.exercises.catalog import find_exercise
from studykit.exercises.definition import Args
from studykit.exercises.scene import Scene
from studykit.trace.simulate import simulate


def staged(exercise_id: str, args: Args, got: object) -> Scene:
    exercise = find_exercise(exercise_id)[1]
    scene = exercise.explain(args, got, exercise.expected(args)).scene
    assert scene is not None
    return scene


def drawn(exhibit: Any, scene: Scene) -> Figure:
    return exhibit.draw(simulate(scene.events, scene.policy), 0)


def gids(figure: Figure) -> Iterator[str]:
    for artist in figure.findobj(lambda mark: isinstance(mark.get_gid(), str)):
        yield artist.get_gid()


def dashes(figure: Figure) -> dict[str, str]:
    found = figure.findobj(
        lambda mark: isinstance(mark, Line2D) and isinstance(mark.get_gid(), str)
    )
    return {line.get_gid(): line.get_linestyle() for line in found}


def test_a_wrong_watermark_is_dashed_beside_the_right_one_without_windows() -> None:
    scene = staged("L02.2", ([2_000, 8_000, 3_000], 4_000), [-2_001, 3_999, -1_001])
    figure = drawn(Watermarks(scene), scene)
    lines = dashes(figure)
    assert lines["watermark:right"] == "-"
    assert lines["watermark:yours"] == "--"
    assert {"event:1:label", "event:2:label", "event:3:label"} <= set(gids(figure))
    assert not [gid for gid in gids(figure) if gid.startswith("window")]
    assert (
        "the right watermark stands at 3.999 s; yours, dashed, at -1.001 s."
        in picture(scene).sentence
    )


def test_the_watermark_of_a_bound_that_is_too_small_passes_the_event() -> None:
    scene = staged("L02.4", ([9_000, 6_000, 4_000],), 4_999)
    assert scene.right_watermarks[1] == 3_999
    assert scene.your_watermarks[1] == 4_000
    assert (
        "With your bound event #3 is behind the watermark that it meets." in picture(scene).sentence
    )


@pytest.mark.parametrize(
    ("exercise_id", "args", "got", "says"),
    [
        ("L04.1", (7_000, 10_000, 5_000), [5_000, 10_000], "missing: [0,10); yours alone, dashed"),
        ("L04.4", ([0, 5_000], 5_000), [[0, 5_000], [5_000, 10_000]], "missing: [0,10); yours"),
        ("L04.4", ([0, 5_000], 5_000), [], "missing: [0,10)."),
        ("L04.5", ([[0, 5_000]], 4_000, 5_000), [[0, 5_000]], "missing: [0,9); yours alone"),
    ],
)
def test_wrong_spans_are_dashed_below_the_right_ones(
    exercise_id: str, args: Args, got: list[Any], says: str
) -> None:
    scene = staged(exercise_id, args, got)
    assert says in picture(scene).sentence
    lines = dashes(drawn(Spans(scene), scene))
    mine = [dash for gid, dash in lines.items() if gid.startswith("span:yours")]
    right = [dash for gid, dash in lines.items() if gid.startswith("span:right")]
    assert mine == ["--"] * len(got)
    assert right == ["-"] * len(scene.right_spans)


@pytest.mark.parametrize("exhibit", [Watermarks, Spans])
def test_end_markers_are_not_clipped(exhibit: Callable[[Scene], Any]) -> None:
    watermarks = staged("L02.2", ([2_000, 8_000], 0), [1_999, 0])
    spans = staged("L04.4", ([0, 5_000], 5_000), [[0, 5_000]])
    scene = watermarks if exhibit is Watermarks else spans
    figure = drawn(exhibit(scene), scene)
    marks = figure.findobj(lambda mark: isinstance(mark, Line2D) and mark.get_marker() == "o")
    assert marks
    assert not [mark for mark in marks if mark.axes and mark.get_clip_on()]


def test_the_bound_for_a_share_parts_at_the_first_event_that_only_one_bound_keeps() -> None:
    scene = staged("L02.5", ([9_000, 6_000, 4_000, 9_500], 75), 2_000)
    assert scene.right_watermarks == (5_999, 5_999, 5_999, 6_499)
    assert scene.your_watermarks == (6_999, 6_999, 6_999, 7_499)
    assert scene.number == 2
    lines = dashes(drawn(Watermarks(scene), scene))
    assert (lines["watermark:right"], lines["watermark:yours"]) == ("-", "--")


@pytest.mark.parametrize(
    ("exercise_id", "args", "got", "missing", "alone"),
    [
        ("L03.1", (12_000, 10_000), 0, "[10,20)", "[0,10)"),
        ("L03.2", (12_000, 10_000, 3_000), [13_000, 23_000], "[3,13)", "[13,23)"),
        (
            "L03.4",
            ([2_000, 5_000, 11_000], 10_000, 9_999),
            [[10_000, 1]],
            "[0,10)",
            "[10,20)",
        ),
        (
            "L13.3",
            ([[130_000, "m"]], 120_000, 60_000),
            [[180_000, 1], [300_000, 1]],
            "[120,240)",
            "[180,300)",
        ),
    ],
)
def test_a_wrong_window_lies_dashed_below_the_right_one(
    exercise_id: str, args: Args, got: object, missing: str, alone: str
) -> None:
    scene = staged(exercise_id, args, got)
    sentence = picture(scene).sentence
    assert f"missing: {missing}" in sentence
    assert f"yours alone, dashed: {alone}" in sentence
    lines = dashes(drawn(Spans(scene), scene))
    assert "--" in lines.values()


def test_counts_that_are_wrong_in_the_right_windows_have_the_stepper() -> None:
    scene = staged("L03.4", ([2_000, 5_000, 11_000], 10_000, 9_999), [[0, 1]])
    assert (scene.right_spans, scene.figure) == ((), "watermark_stepper")


def test_a_poisoned_watermark_is_dashed_from_the_event_that_poisons_it() -> None:
    exercise = find_exercise("L14.4")[1]
    args = exercise.public_cases()[0]
    events, bound_ms, _ = args
    highest = [max(time_ms for time_ms, _ in events[: n + 1]) for n in range(len(events))]
    got = {"watermarks": [time_ms - bound_ms - 1 for time_ms in highest], "future": []}
    scene = staged("L14.4", args, got)
    assert scene.number == 2
    assert scene.right_watermarks == (4_999, 4_999)
    assert scene.your_watermarks == (4_999, 85_999)
    assert "the right watermark stands at 4.999 s" in picture(scene).sentence


@pytest.mark.parametrize(
    ("exercise_id", "args", "got", "missing", "alone"),
    [
        ("L06.3", ([[1_000, 900], [9_000, 8_900]], 5_000, 10_000), [[6_000, 10_000]], "[6,9)",
         "[6,10)"),
        ("L07.3", ([0, 4_000], 5_000, 20_000), [5_000], "[4,9)", "[0,5)"),
        ("L07.5", ([["x", 0], ["x", 5_000], ["y", 7_000]], 5_000),
         {"passed": [["x", 0], ["y", 7_000], ["x", 9_000]], "held": []}, "[5,10)", "[9,14)"),
        ("L12.4", ([[0, 2_000], [0, 14_000], [0, 6_000]], 1, 4_000, 10_000),
         {"fired": [[20_000, 1]], "late": [2]}, "[0,10)", "[10,20)"),
        ("L13.4", ([[10_000, "a"], [20_000, "b"], [50_000, "a"]],),
         [[10_000, "a", None], [20_000, "b", None], [50_000, "a", 30_000]], "[10,50)", "[20,50)"),
    ],
)  # fmt: skip
def test_a_wrong_span_lies_dashed_below_the_right_one(
    exercise_id: str, args: Args, got: object, missing: str, alone: str
) -> None:
    scene = staged(exercise_id, args, got)
    sentence = picture(scene).sentence
    assert f"missing: {missing}" in sentence
    assert f"yours alone, dashed: {alone}" in sentence
    figure = drawn(Spans(scene), scene)
    assert {"-", "--"} <= set(dashes(figure).values())
    assert {f"event:{n}:label" for n in range(1, len(scene.events) + 1)} <= set(gids(figure))


@pytest.mark.parametrize(
    ("exercise_id", "args", "got", "right", "yours"),
    [
        ("L06.4", (["a", "b"], [["a", 9], ["b", 3], ["b", 5]]), [None, 3, 9], "5", "9"),
        ("L10.1", ([5, 3, 4], 2, 3), [5, 8, 12, 16], "12", "16"),
        ("L13.1", ([50_000, 58_000, 62_000], 60_000), [1, 2, 1], "3", "1"),
    ],
)
def test_numbers_part_dashed_at_the_place_that_the_message_is_about(
    exercise_id: str, args: Args, got: object, right: str, yours: str
) -> None:
    scene = staged(exercise_id, args, got)
    place = len(scene.right_values)
    assert f"At #{place} the right one is {right}; yours, dashed, is {yours}." in (
        picture(scene).sentence
    )
    lines = dashes(drawn(Courses(scene), scene))
    assert (lines["value:right"], lines["value:yours"]) == ("-", "--")


def test_numbers_that_are_wrong_from_the_first_have_no_course_to_draw() -> None:
    exercise = find_exercise("L10.1")[1]
    assert exercise.explain(([5, 3], 2, 0), [4, 8], [5, 8]).scene is None
    assert exercise.explain(([5, 3], 2, 0), [5], [5, 8]).scene is None
    assert exercise.explain(([5, 3], 2, 0), [5, "x"], [5, 8]).scene is None
