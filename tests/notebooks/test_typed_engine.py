"""The engine that a learner types: holes, their checks, and the course's rows from its lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.simulator.golden import golden_log
from studykit.checks import typed
from studykit.course.builder.assemble import lesson as built
from studykit.course.builder.cells import Notebook
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy
from studykit.trace.stories import STORY, STORY_POLICY
from studykit.trace.typed_engine import NOTEBOOKS, course_lines, engine_cells, typed_before
from studykit.widgets.engine_so_far import EngineSoFar

LESSONS = ("03", "04", "05", "07", "09", "10")
"""The lessons that go on with it; the one after the last has all of it."""
PIECES = {"02": "advanced", **dict.fromkeys(LESSONS, "Engine"), "10": "upsert"}
AFTER = "99"
LINES = 100
GOLDEN = 3_000

TYPED: dict[str, Any] = typed_before(AFTER)
ENGINE: Any = TYPED["Engine"]

events = st.lists(
    st.builds(
        Event,
        event_ms=st.integers(0, 60),
        arrival_ms=st.integers(0, 60),
        key=st.sampled_from("ab"),
        value=st.integers(1, 9),
    ),
    min_size=1,
)
policies = st.builds(
    lambda slide, times, bound, lateness: Policy(
        bound_ms=bound,
        lateness_ms=lateness,
        size_ms=slide * times,
        slide_ms=slide,
        keyed=True,
    ),
    slide=st.integers(1, 10),
    times=st.integers(1, 4),
    bound=st.integers(0, 20),
    lateness=st.integers(0, 20),
)


def played(log: Iterable[Event], policy: Policy) -> tuple[list[tuple[Any, ...]], list[list[int]]]:
    """Return the rows of the typed engine, and the starts of the windows that each event missed."""
    engine = ENGINE(policy.bound_ms, policy.size_ms, policy.slide_ms, policy.lateness_ms)
    missed = [
        sorted(start for start, _ in engine.on_event(event.key, event.event_ms, event.value))
        for event in log
    ]
    return engine.rows, missed


def of_the_course(log: Iterable[Event], policy: Policy) -> tuple[list[Any], list[list[int]]]:
    """Return the same of the engine that the course runs on."""
    trace = simulate(log, policy)
    rows = [
        (change.key, change.start_ms, change.end_ms, change.revision, change.total)
        for step in trace.steps
        for change in step.changes
        if change.kind in ("fired", "re-fired")
    ]
    return rows, [sorted(step.missed) for step in trace.steps if step.kind == "arrival"]


def assert_alike(log: list[Event], policy: Policy) -> None:
    """Windows that are due at one watermark fire in no order that a law asks for."""
    ours, theirs = played(log, policy), of_the_course(log, policy)
    assert ours[1] == theirs[1]
    assert sorted(ours[0]) == sorted(theirs[0])


def test_the_story_has_the_same_rows() -> None:
    policy = Policy(bound_ms=4_000, lateness_ms=3_000, keyed=True)
    rows, missed = played(STORY, policy)
    assert rows == [
        ("a", 0, 10_000, 0, 12),
        ("b", 0, 10_000, 0, 9),
        ("b", 0, 10_000, 1, 10),
    ]
    assert missed == [[]] * 9 + [[0]]
    assert_alike(list(STORY), policy)
    assert STORY_POLICY.bound_ms == policy.bound_ms


@pytest.mark.parametrize("lateness_ms", [0, 30_000])
def test_the_golden_log_has_the_same_rows(lateness_ms: int) -> None:
    policy = Policy(
        bound_ms=5_000, size_ms=300_000, slide_ms=60_000, lateness_ms=lateness_ms, keyed=True
    )
    assert_alike(golden(), policy)


def golden() -> list[Event]:
    return [
        Event(event.event_time, event.event_time + event.delay, f"{event.card}", event.amount_cents)
        for event in islice(golden_log(), GOLDEN)
    ]


@given(events, policies)
def test_any_log_under_any_policy_has_the_same_rows_and_verdicts(
    log: list[Event], policy: Policy
) -> None:
    assert_alike(sorted(log, key=lambda event: event.arrival_ms), policy)


@given(events, policies)
def test_the_watermark_never_goes_back(log: list[Event], policy: Policy) -> None:
    engine = ENGINE(policy.bound_ms, policy.size_ms)
    marks = []
    for event in log:
        engine.on_event(event.key, event.event_ms, event.value)
        marks.append(engine.watermark_ms)
    assert marks == sorted(marks)


@given(events, policies)
def test_state_is_kept_for_no_window_that_is_purged(log: list[Event], policy: Policy) -> None:
    engine = ENGINE(policy.bound_ms, policy.size_ms, policy.slide_ms, policy.lateness_ms)
    for event in log:
        engine.on_event(event.key, event.event_ms, event.value)
        kept_ms = [end_ms - 1 + policy.lateness_ms for _, (_, end_ms) in engine.totals]
        assert all(engine.watermark_ms < last_ms for last_ms in kept_ms)
        assert engine.revisions.keys() <= engine.totals.keys()


@given(events, policies)
def test_at_the_end_of_the_stream_nothing_is_held(log: list[Event], policy: Policy) -> None:
    engine = ENGINE(policy.bound_ms, policy.size_ms, policy.slide_ms, policy.lateness_ms)
    for event in log:
        engine.on_event(event.key, event.event_ms, event.value)
    engine.end()
    assert (engine.totals, engine.revisions, engine.timers) == ({}, {}, [])


@given(events, policies, st.randoms(use_true_random=False))
def test_a_store_ends_with_the_newest_rows_whatever_order_they_come_in(
    log: list[Event], policy: Policy, random: Random
) -> None:
    rows, _ = played(log, policy)
    delivered = rows + random.sample(rows, len(rows) // 2)
    random.shuffle(delivered)
    store: dict[str, tuple[int, int, int]] = {}
    for row in delivered:
        TYPED["upsert"](store, *row)
    newest = {key: max(row[2:] for row in rows if row[0] == key) for key, *_ in rows}
    assert store == newest


def restored(log: list[Event], policy: Policy, every: int, kill: int) -> list[tuple[Any, ...]]:
    """Return what a sink that replaces rows has, if the engine is killed once after an event."""
    sink: dict[Any, tuple[Any, ...]] = {}
    checkpoint = 0, opened(policy).saved()
    for until in (kill, len(log)):
        engine = opened(policy)
        engine.restore(checkpoint[1])
        for place in range(checkpoint[0], until):
            event = log[place]
            engine.on_event(event.key, event.event_ms, event.value)
            if (place + 1) % every == 0:
                checkpoint = place + 1, engine.saved()
        sink |= {row[:4]: row for row in engine.rows}
    return sorted(sink.values())


def opened(policy: Policy) -> Any:
    return ENGINE(policy.bound_ms, policy.size_ms, policy.slide_ms, policy.lateness_ms)


@given(events, policies, st.integers(1, 5), st.integers(0, 20))
def test_killed_after_any_event_it_has_the_same_rows(
    log: list[Event], policy: Policy, every: int, kill: int
) -> None:
    log.sort(key=lambda event: event.arrival_ms)
    assert restored(log, policy, every, min(kill, len(log))) == sorted(
        of_the_course(log, policy)[0]
    )


def test_killed_after_any_event_the_story_has_the_same_rows() -> None:
    policy = Policy(bound_ms=4_000, lateness_ms=3_000, keyed=True)
    rows = sorted(of_the_course(STORY, policy)[0])
    for kill in range(len(STORY) + 1):
        assert restored(list(STORY), policy, 3, kill) == rows


def test_killed_in_the_golden_log_it_has_the_same_rows() -> None:
    policy = Policy(bound_ms=5_000, size_ms=300_000, slide_ms=60_000, lateness_ms=0, keyed=True)
    log = golden()
    rows = sorted(of_the_course(log, policy)[0])
    for kill in range(1, GOLDEN, 700):
        assert restored(log, policy, 100, kill) == rows


@given(events, policies)
def test_a_checkpoint_does_not_change_while_the_engine_goes_on(
    log: list[Event], policy: Policy
) -> None:
    engine = opened(policy)
    for event in log[:3]:
        engine.on_event(event.key, event.event_ms, event.value)
    saved = engine.saved()
    before = repr(saved)
    for event in log[3:]:
        engine.on_event(event.key, event.event_ms, event.value)
    assert repr(saved) == before


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_lesson_adds_to_it(lesson: str) -> None:
    after = f"{int(lesson) + 1:02d}"
    assert len(engine_cells(lesson)) < len(engine_cells(after))


def test_it_is_short() -> None:
    lines = [
        line for cell in engine_cells(AFTER) for line in cell.code.splitlines() if line.strip()
    ]
    assert len(lines) < LINES


def saved(folder: Path, code: str, answer: str = "") -> Path:
    """Write a lesson whose only cell is a part of the engine, as JupyterLab saves it."""
    tags = {"metadata": {"tags": ["engine"]}}
    cells = [{"cell_type": "code", "source": code, **tags}]
    if answer:
        cells.append({"cell_type": "markdown", "source": f"```python\n{answer}\n```", **tags})
    (folder / "02_watermarks.ipynb").write_text(json.dumps({"cells": cells}))
    return folder


def test_what_a_learner_has_saved_is_what_later_lessons_go_on_with(tmp_path: Path) -> None:
    folder = saved(tmp_path, "def advanced(*_): return 7")
    assert typed_before("03", folder)["advanced"]() == 7


@pytest.mark.parametrize(
    ("code", "trouble"), [("def advanced(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError")]
)
def test_a_cell_that_does_not_run_is_named(tmp_path: Path, code: str, trouble: str) -> None:
    with pytest.raises(StudyError, match=f"a cell of 02_watermarks.ipynb stops with {trouble}"):
        typed_before("03", saved(tmp_path, code))


def test_a_cell_that_was_emptied_is_missed(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="your engine has no advanced"):
        _ = typed_before("03", saved(tmp_path, ""))["advanced"]


HOLE = 'def advanced(*_):\n    raise typed.NotDone("law 2 (1 line)")'


@pytest.mark.parametrize("code", [HOLE, "", "  \n"])
def test_where_a_hole_is_open_the_course_s_lines_stand_in(tmp_path: Path, code: str) -> None:
    folder = saved(tmp_path, code, answer="def advanced(*_):\n    return 8")
    assert typed_before("03", folder)["advanced"]() == 8
    assert EngineSoFar("02", folder).sentence == (
        "Your engine has 2 lines: 2 in lesson 02. As it is saved, holes are open in lesson 02: "
        "there the course's lines stand in."
    )


def test_the_course_s_lines_are_no_learner_s(tmp_path: Path) -> None:
    folder = saved(tmp_path, "def advanced(*_): return 7", answer="def advanced(*_):\n    return 8")
    assert typed_before("03", folder)["advanced"]() == 7
    assert course_lines("02", folder)["advanced"]() == 8
    assert "holes" not in EngineSoFar("02", folder).sentence


def as_built(lesson: str) -> Notebook:
    course = Course(NOTEBOOKS.parent)
    (source,) = (course.notebooks / "src").glob(f"{lesson}_*.py")
    return built(source, course)


def cells_of(lesson: str) -> list[tuple[str, str]]:
    """Return each cell of the engine in a lesson: what the learner finds, and its answer."""
    cells = [c for c in as_built(lesson)["cells"] if "engine" in c["metadata"].get("tags", ())]
    holes, answers = cells[::2], cells[1::2]
    assert [cell["cell_type"] for cell in holes] == ["code"] * len(answers)
    return [(c["source"], a["source"]) for c, a in zip(holes, answers, strict=True)]


@pytest.mark.parametrize("lesson", PIECES)
def test_a_learner_finds_holes_and_no_line_of_an_answer(lesson: str) -> None:
    for hole, answer in cells_of(lesson):
        assert "raise typed.NotDone(" in hole
        assert "SOLUTION" not in hole + answer
        lines = {line.strip() for line in answer.splitlines()}
        own = {line.strip() for line in hole.splitlines()}
        assert len(lines - own - {""}) > 1
        assert answer.startswith("<details>")
        compile(hole, lesson, "exec")


@pytest.mark.parametrize("lesson", PIECES)
def test_a_lesson_goes_on_where_nothing_is_typed(
    lesson: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"typed": typed, **typed_before(lesson)}
    wanted = course_lines(lesson)[PIECES[lesson]]
    for hole, _ in cells_of(lesson):
        exec(hole, names)
    goes_on = typed.checked(lesson, names[PIECES[lesson]])
    assert typed.missing(lesson, goes_on) == ""
    assert goes_on.__name__ == wanted.__name__
    said = capsys.readouterr().out
    assert said.startswith("Still to type: ")
    assert said.endswith("Until then this lesson goes on with the course's lines.\n")


def test_what_is_still_to_type_is_named_in_the_order_of_the_cells() -> None:
    names: dict[str, Any] = {"typed": typed, **typed_before("03")}
    for hole, _ in cells_of("03"):
        exec(hole, names)
    assert typed.missing("03", names["Engine"]) == "Still to type: windows, on_event, count, fire."


@pytest.mark.parametrize("lesson", PIECES)
def test_the_course_s_lines_pass_their_check(
    lesson: str, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = course_lines(lesson)[PIECES[lesson]]
    assert typed.checked(lesson, piece) is piece
    assert "keeps its laws" in capsys.readouterr().out


SLIPS = [
    ("02", "max(watermark_ms, event_ms - bound_ms - 1)", "event_ms - bound_ms - 1", "yours is "),
    ("02", "- bound_ms - 1", "- bound_ms", "and yours is"),
    ("02", "return max", "max", "yours is None"),
    ("03", "event_ms - event_ms % self.size_ms", "event_ms", "it tells"),
    ("03", "        return missed", "        pass", "on_event returns None"),
    ("03", "window[1] - 1:\n            return", "window[1]:\n            return", "not nothing"),
    (
        "03",
        "window[1] - 1:\n                self",
        "window[1]:\n                self",
        "it tells nothing",
    ),
    ("03", "self.fire()", "self.wire()", "no attribute 'wire'"),
    ("04", "-self.slide_ms)", "-self.size_ms)", "every 5 s"),
    ("04", "event_ms - self.size_ms,", "event_ms - self.size_ms - 1,", "windows of 10 s"),
    ("05", "+ after_ms", "", "lateness 3 s"),
    ("05", "if self.is_closed(window):\n", "if False:\n", "it tells nothing"),
    ("05", "-1) + 1", "0) + 1", "it tells"),
    ("07", "{0, self.lateness_ms}", "{self.lateness_ms}", "it tells nothing"),
    ("07", "                del ", "                0, ", "it still holds"),
    ("07", 'float("inf")', "0", "the end tells nothing"),
    ("09", "deepcopy((self.watermark_ms", "((self.watermark_ms", "saved after #"),
    ("09", "self.timers = deepcopy(saved)", "_ = deepcopy(saved)", "and restored, it tells"),
    ("10", "> store", ">= store.get(key, ())[:2] or True or store", "the store holds"),
    ("10", "(end_ms, revision) >", "(end_ms, 0) >", "the store holds"),
]


@pytest.mark.parametrize(("lesson", "line", "slip", "said"), SLIPS)
def test_a_slip_is_found_and_said_in_one_sentence(
    lesson: str, line: str, slip: str, said: str
) -> None:
    own = [cell.code for cell in engine_cells(f"{int(lesson) + 1:02d}") if cell.lesson == lesson]
    code = "\n\n\n".join(own)
    assert code.count(line) == 1
    names: dict[str, Any] = dict(typed_before(lesson))
    exec(code.replace(line, slip), names)
    trouble = typed.missing(lesson, names[PIECES[lesson]])
    assert trouble.startswith("Not yet right: ")
    assert said in trouble
    assert "\n" not in trouble


def test_a_loop_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def advanced(*_: int) -> int:
        while True:
            pass

    monkeypatch.setattr(typed, "DEADLINE_S", 0.05)
    assert typed.missing("02", advanced).endswith("which loop does not end?")


def test_a_learner_is_shown_how_the_engine_grows() -> None:
    sentences = [EngineSoFar(lesson).sentence for lesson in ("02", *LESSONS)]
    assert sentences[0].startswith("Your engine has 3 lines")
    totals = [int(re.findall(r"\d+", sentence)[0]) for sentence in sentences]
    assert totals == sorted(set(totals))
    assert "def advanced" in EngineSoFar("10")._repr_mimebundle_()["text/html"]
