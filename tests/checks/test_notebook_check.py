"""`lab.check` and `lab.hint`, as a learner calls them in a notebook, and the progress they keep."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studykit.checks import lab
from studykit.checks import progress as progress_module
from studykit.checks.judging import cases_of, failing_case, judge
from studykit.checks.progress import Progress
from studykit.checks.running import NotDone, run_case, run_cases
from studykit.errors import StudyError
from studykit.exercises.catalog import find_exercise, find_lab

Output = pytest.CaptureFixture[str]

WATERMARK = find_exercise("L02.1")[1]


def watermark(max_seen_ms: int, bound_ms: int) -> int:
    return max_seen_ms - bound_ms - 1


def kept(own_progress: Path) -> dict[str, object]:
    """Return what is kept of the exercise, but for the time at which."""
    entry = Progress(own_progress).of(WATERMARK)
    assert isinstance(entry.pop("at"), int)
    return entry


def test_a_pass_opens_the_discussion(capsys: Output, own_progress: Path) -> None:
    lab.check("L02.1")
    text = capsys.readouterr().out
    shown = "ok  L02.1  max_seen_ms=14_000, bound_ms=4_000  yours 9_999  expected 9_999\n"
    assert text.startswith(shown)
    assert "L02.1 done.\n\ndiscuss   Without the last millisecond" in text
    assert "\nNext: L02.2 watermarks, about 10 minutes.\n" in text
    assert text.endswith("\nlab 02  x.....  1 of 6 done; next is L02.2 watermarks\n")
    assert kept(own_progress) == {"attempts": 1, "passed": True, "same": 0}


def test_a_check_works_where_progress_cannot_be_kept(
    capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STUDY_PROGRESS", str(tmp_path / "file" / "progress.json"))
    lab.check("L02.1")
    text = capsys.readouterr().out
    assert "L02.1 done." in text
    assert "Your progress could not be kept (" in text
    assert "set STUDY_HOME to a folder that you may write to." in text


def test_a_function_that_is_not_there_is_asked_for(capsys: Output) -> None:
    lab.check("L02.2")
    text = capsys.readouterr().out
    assert text == (
        "L02.2: there is no function watermarks. Did you rename it, or not run its cell yet?\n"
    )


def test_an_exercise_that_is_not_there_is_named(capsys: Output) -> None:
    lab.check("L02.9")
    assert capsys.readouterr().out.startswith("there is no exercise 'L02.9': lab02_watermarks has")


def test_hints_are_remembered_by_the_highest(capsys: Output, own_progress: Path) -> None:
    for level in (2, 1, 4):
        lab.hint("L02.1", level)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"L02.1  {WATERMARK.hints[1]}  (hint 2 of 3)"
    assert lines[2] == "there is no hint 4: choose 1, 2 or 3"
    assert kept(own_progress) == {"hints": 2}


@pytest.mark.parametrize("text", ["2", "02", "lab02", "lab02_watermarks", "my_lab02"])
def test_a_lab_has_many_names(text: str) -> None:
    assert find_lab(text).name == "lab02_watermarks"


def test_an_unknown_lab_is_named() -> None:
    with pytest.raises(StudyError, match="there is no lab '77': choose one of 01, 02"):
        find_lab("77")


def test_an_answer_may_change_its_arguments() -> None:
    case = ([3, 1, 2],)
    assert run_case(lambda times: times.sort() or times, case) == {"value": [1, 2, 3]}
    assert case == ([3, 1, 2],)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({1, 2}, "a set"),
        (float("inf"), "the number inf"),
        (float("nan"), "the number nan"),
        (object(), "an object"),
        (b"x", "a bytes"),
        (iter(()), "a tuple_iterator"),
        (np.array([1, 2]), "a numpy.ndarray"),
    ],
)
def test_what_is_no_json_value_is_named_with_its_place(value: object, what: str) -> None:
    assert run_case(lambda: [0, value], ()) == {"no_json": f"{what} in place [1]"}


def test_whole_numbers_of_another_library_are_taken() -> None:
    value = [[np.int64(3), np.bool_(True)], np.int32(-1)]
    assert run_case(lambda: value, ()) == {"value": [[3, True], -1]}


def test_every_case_is_called_whether_or_not_one_meets_a_hole() -> None:
    def hole(number: int) -> int:
        if number == 1:
            raise NotDone("later")
        return number

    assert run_cases(hole, [(1,), (2,)]) == [{"not_done": "later"}, {"value": 2}]


def test_a_wrong_type_is_wrong_and_said_so() -> None:
    cases = cases_of(WATERMARK)
    verdict = judge(WATERMARK, cases, [{"value": float(watermark(*args))} for args in cases])
    assert verdict.status == "failed"
    assert verdict.message is not None
    assert verdict.message.got == "9999.0, a float; asked for: an int"


def test_the_failing_case_is_the_one_that_a_judgement_shows() -> None:
    for exercise in find_lab("05").exercises:
        cases = cases_of(exercise)
        assert failing_case(exercise, cases, run_cases(exercise.reference, cases)) is None
        for misconception in exercise.misconceptions:
            outcomes = run_cases(misconception.answer, cases)
            judgement = judge(exercise, cases, outcomes)
            assert failing_case(exercise, cases, outcomes) == judgement.shown, misconception.name


def test_arguments_that_give_thousands_of_windows_are_not_tried() -> None:
    # The engine would make 10_000 windows an event, where a learner waits for an answer.
    def window_starts(event_ms: int, size_ms: int, slide_ms: int) -> list[int]:
        asked.append((size_ms, slide_ms))
        return find_exercise("L04.1")[1].reference(event_ms, size_ms, slide_ms)

    asked: list[tuple[int, int]] = []
    exercise = replace(find_exercise("L04.1")[1], reference=window_starts)
    cases = cases_of(exercise)
    asked.clear()
    judgement = judge(exercise, cases, [{"value": [n]} for n in range(len(cases))])
    assert judgement.status == "failed"
    assert max(size_ms / max(slide_ms, 1) for size_ms, slide_ms in asked) <= 1_000


def test_an_answer_for_the_shown_cases_only_fails_the_random_ones() -> None:
    cases = cases_of(WATERMARK)
    known = {args: watermark(*args) for args in WATERMARK.public_cases()}
    verdict = judge(WATERMARK, cases, [{"value": known.get(args, 0)} for args in cases])
    assert verdict.status == "failed"
    assert verdict.misconception is None


@pytest.mark.parametrize("count", [0, 1, 5])
def test_outcomes_that_are_missing_are_no_pass(count: int) -> None:
    cases = cases_of(WATERMARK)
    verdict = judge(WATERMARK, cases, [{"value": watermark(*args)} for args in cases[:count]])
    assert verdict.status == "failed"
    assert verdict.message is not None
    assert verdict.message.got == "no result"


def test_a_result_that_two_misconceptions_share_names_neither() -> None:
    exercise = find_exercise("L05.3")[1]
    args = (7_000, 9_999, 10_000, 5_000, 0)
    assert exercise.explain(args, [0, 5_000], [0]).misconception is None
    other = ((7_000, 8_000, 10_000, 5_000, 0), [0, 5_000])
    assert exercise.explain(args, [0, 5_000], [0], [other]).misconception == "all-or-nothing"


def test_one_wrong_result_of_two_mistakes_gets_the_rule(own_progress: Path) -> None:
    cases = cases_of(WATERMARK)
    values = [args[0] - args[1] if n else 17 for n, args in enumerate(cases)]
    verdict = judge(WATERMARK, cases, [{"value": value} for value in values])
    assert verdict.message is not None
    assert verdict.message.misconception is None
    assert verdict.message.rule == WATERMARK.rule


def test_what_was_passed_once_stays_passed(own_progress: Path) -> None:
    cases = cases_of(WATERMARK)
    progress = Progress(own_progress)
    for offset in (1, 0, 0):
        values = [args[0] - args[1] - offset for args in cases]
        progress.record(judge(WATERMARK, cases, [{"value": value} for value in values]))
    progress.record(judge(WATERMARK, cases, [{"not_done": ""}]))
    assert kept(own_progress) == {
        "attempts": 3,
        "passed": True,
        "same": 2,
        "kind": "forgot-1ms 0",
        "misconceptions": ["forgot-1ms"],
    }


def test_what_another_check_kept_while_this_one_waited_for_the_lock_counts(
    own_progress: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judgement = judge(WATERMARK, cases_of(WATERMARK), [{"value": 0}])
    lock = progress_module.file_lock

    def had_by_another_first(path: Path) -> AbstractContextManager[None]:
        monkeypatch.setattr(progress_module, "file_lock", lock)
        Progress(own_progress).record(judgement)
        return lock(path)

    monkeypatch.setattr(progress_module, "file_lock", had_by_another_first)
    Progress(own_progress).record(judgement)
    assert kept(own_progress)["attempts"] == 2


def test_progress_of_exercises_that_are_gone_stays(own_progress: Path) -> None:
    old = {"version": 1, "exercises": {"L00.9": {"passed": True}}, "more": 1}
    own_progress.write_text(json.dumps(old))
    Progress(own_progress).record_hint(WATERMARK, 1)
    new = json.loads(own_progress.read_text())
    assert new["exercises"]["L00.9"] == {"passed": True}
    assert new["more"] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"exercises": 3}', "null"])
def test_a_damaged_progress_file_is_put_aside(own_progress: Path, text: str) -> None:
    own_progress.write_text(text)
    Progress(own_progress).record_hint(WATERMARK, 1)
    assert kept(own_progress) == {"hints": 1}
    assert own_progress.with_name("progress.damaged-1.json").read_text() == text
