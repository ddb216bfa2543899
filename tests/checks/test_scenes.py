"""The picture below a failing check: the engine agrees with the exercise, and labs stay light."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest

from studykit.checks import lab
from studykit.checks.judging import cases_of, judge
from studykit.checks.picture import picture, step_of
from studykit.checks.running import run_cases
from studykit.exercises.catalog import find_exercise, labs
from studykit.exercises.definition import Args, Exercise
from studykit.exercises.scene import Scene, meeting
from studykit.figures.windows.assigners import assigned
from studykit.trace.simulate import simulate
from studykit.trace.steps import Step, Trace
from studykit.trace.view import view

STAGED = [exercise for lab in labs() for exercise in lab.exercises if exercise.scene is not None]


def on_stage(exercise_id: str, args: Args, got: object) -> tuple[Trace, int] | None:
    """Return the trace of the scene of a wrong answer, and how many of its steps are shown."""
    exercise = find_exercise(exercise_id)[1]
    scene = exercise.explain(args, got, exercise.expected(args)).scene
    if scene is None:
        return None
    trace = simulate(scene.events, scene.policy)
    return trace, step_of(scene, trace)


def cases(exercise_id: str) -> list[Args]:
    exercise = find_exercise(exercise_id)[1]
    return exercise.public_cases() + exercise.random_cases(Random(3), 60)


def last_step(exercise_id: str, args: Args, got: object) -> Step | None:
    staged = on_stage(exercise_id, args, got)
    return staged and staged[0].steps[staged[1] - 1]


def test_every_lab_from_watermarks_on_shows_something() -> None:
    without = {"01"}  # no watermark yet
    shown = {f"L{lab.number}" for lab in labs() if lab.number not in without}
    assert {exercise.id[:3] for exercise in STAGED} == shown


@pytest.mark.parametrize("exercise", STAGED, ids=lambda exercise: exercise.id)
def test_a_misconception_has_a_picture_with_words(exercise: Exercise) -> None:
    every = cases_of(exercise)
    verdicts = [judge(exercise, every, run_cases(b.answer, every)) for b in exercise.misconceptions]
    scenes = [
        verdict.message.scene for verdict in verdicts if verdict.message and verdict.message.scene
    ]
    assert scenes
    shown = picture(scenes[0])
    html = shown._repr_mimebundle_()["text/html"]
    assert 'src="data:image/png;base64,' in html
    assert f"<p>{shown.sentence}</p>" in html.replace("&#x27;", "'")
    assert shown.sentence.startswith(scenes[0].about)


@pytest.mark.parametrize("exercise", STAGED, ids=lambda exercise: exercise.id)
def test_any_random_case_can_be_staged(exercise: Exercise) -> None:
    for args in exercise.random_cases(Random(5), 60):
        for wrong in exercise.misconceptions:
            got, expected = wrong.answer(*args), exercise.expected(args)
            scene = None if got == expected else exercise.explain(args, got, expected).scene
            if scene is not None:
                step_of(scene, simulate(scene.events, scene.policy))


@pytest.mark.parametrize("value", [None, True, -1, "x", [], [None], {}, [[1]]])
@pytest.mark.parametrize("exercise", STAGED, ids=lambda exercise: exercise.id)
def test_nonsense_has_no_picture_or_one_that_can_be_drawn(
    exercise: Exercise, value: object
) -> None:
    for args in exercise.public_cases():
        scene = exercise.explain(args, value, exercise.expected(args)).scene
        if scene is not None:
            step_of(scene, simulate(scene.events, scene.policy))


def test_the_watermark_on_stage_is_the_expected_one() -> None:
    for args in cases("L02.2"):
        expected = find_exercise("L02.2")[1].expected(args)
        if min(args[0], default=0) < 0:  # a figure begins at 0
            assert on_stage("L02.2", args, [-1]) is None
            continue
        for place in range(len(expected)):
            wrong = [*expected[:place], -1, *expected[place + 1 :]]
            trace, step = on_stage("L02.2", args, wrong) or pytest.fail("no scene")
            assert view(trace, step).watermark_ms == expected[place]


def test_a_bound_that_is_a_millisecond_short_shows_the_event_that_falls_behind() -> None:
    for args in cases("L02.4"):
        needed = find_exercise("L02.4")[1].expected(args)
        assert on_stage("L02.4", args, needed + 1) is None
        if needed and min(args[0]) >= 0:
            step = last_step("L02.4", args, needed - 1)
            assert step is not None
            assert step.behind
            assert step.event is not None
            assert step.event.event_ms == step.before_ms


def test_the_windows_on_stage_have_fired_with_the_expected_counts() -> None:
    staged = 0
    for args in cases("L03.4"):
        found = on_stage("L03.4", args, [[7, 7]])
        if found:
            staged += 1
            fired = [
                [window.start_ms, window.results[-1].count]
                for window in view(*found).windows
                if window.results
            ]
            assert sorted(fired) == find_exercise("L03.4")[1].expected(args)
    assert staged > 10


def test_the_windows_that_hold_the_event_are_the_expected_ones() -> None:
    staged = 0
    for args in cases("L04.1"):
        found = on_stage("L04.1", args, [])
        if found:
            staged += 1
            starts = [window.start_ms for window in assigned(*found)[1].windows]
            assert starts == find_exercise("L04.1")[1].expected(args)
    assert staged > 5


@pytest.mark.parametrize("exercise_id", ["L04.4", "L04.5"])
def test_the_sessions_on_stage_are_the_expected_ones(exercise_id: str) -> None:
    staged = 0
    for args in cases(exercise_id):
        found = on_stage(exercise_id, args, [])
        if found:
            staged += 1
            spans = [[window.start_ms, window.end_ms] for window in assigned(*found)[2].windows]
            assert spans == find_exercise(exercise_id)[1].expected(args)
    assert staged > 10


def test_the_verdict_on_stage_is_the_expected_one() -> None:
    staged = 0
    for args in cases("L05.1"):
        step = last_step("L05.1", args, "?")
        if step:
            staged += 1
            assert step.before_ms == args[1]
            words = {"corrected": "late"}  # this lab names what happens to the event
            shown = words.get(step.verdict, step.verdict)
            assert shown == find_exercise("L05.1")[1].expected(args)
    assert staged > 10


def test_a_prediction_is_not_given_away() -> None:
    expected = find_exercise("L05.2")[1].expected(())
    for place, number in enumerate((4, 7, 9, 10)):
        wrong = [*expected[:place], "?", *expected[place + 1 :]]
        trace, step = on_stage("L05.2", (), wrong) or pytest.fail("no scene")
        assert [window.number for window in view(trace, step).seen] == list(range(1, number))


@pytest.mark.parametrize("exercise_id", ["L05.3", "L05.4"])
def test_the_windows_on_stage_miss_the_event_as_expected(exercise_id: str) -> None:
    staged = 0
    for args in cases(exercise_id):
        step = last_step(exercise_id, args, "?")
        if step:
            staged += 1
            assert step.before_ms == args[1]
            expected = find_exercise("L05.3")[1].expected((*args, 0)[:5])
            assert list(step.missed) == expected
    assert staged > 10


def test_the_job_on_stage_prints_the_expected_rows() -> None:
    for args in cases("L05.5"):
        expected = find_exercise("L05.5")[1].expected(args)
        found = on_stage("L05.5", args, {})
        if found:
            shown = view(*found)
            rows = [[a.start_ms, a.end_ms, r.total] for a in shown.windows for r in a.results]
            assert sorted(rows) == sorted(expected["rows"])
            assert sorted(window.start_ms for window in shown.live) == expected["open"]
            assert shown.counts()["dropped"] == expected["late"]


def test_what_no_axis_reaches_is_not_staged() -> None:
    assert meeting(-1, 5_000, figure="window_life", size_ms=10_000) is None
    assert isinstance(meeting(0, 5_000, figure="window_life", size_ms=10_000), Scene)


def test_a_check_outside_of_a_notebook_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    def watermarks(times_ms: list[int], bound_ms: int) -> list[int]:
        return [0 for _ in times_ms]

    assert callable(watermarks)
    namespace = {"watermarks": watermarks, "lab": lab}
    exec('lab.check("L02.2")', namespace)
    text = capsys.readouterr().out
    assert "L02.2 watermarks\ncall " in text
    assert "Picture" not in text


def test_checks_load_no_figure_before_one_is_asked_for() -> None:
    code = (
        "import sys; from studykit.checks import lab;"
        "from studykit.exercises.catalog import labs; labs();"
        "lab.check('L02.1'); watermark = lambda a, b: a; lab.check('L02.1');"
        "heavy = {'matplotlib', 'ipywidgets', 'PIL', 'numpy', 'pandas', 'nbformat'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_command_loads_nothing_that_takes_longer_than_the_check() -> None:
    code = (
        "import sys; from studykit.cli.app import app; import studykit.course.learner.report;"
        "slow = {'IPython', 'jupytext', 'lark', 'matplotlib', 'numpy', 'rfc3987_syntax.utils'};"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
