"""The search for counterexamples: it finds what is wrong, and nothing else, and makes it small."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from studykit import adversary
from studykit.adversary.jobs import Job, JobError, as_job, load
from studykit.adversary.logs import Log, draw, smaller
from studykit.adversary.search import Counterexample, search
from studykit.adversary.truth import Tally, difference, expected
from studykit.cli import prove
from studykit.cli.app import app
from studykit.trace.steps import Event, Policy
from tests.support.oracles.event_time import Item, play_windows

EXAMPLES = Path(adversary.__file__).with_name("examples")
POLICIES = {
    "tumbling": Policy(),
    "lateness": Policy(lateness_ms=3_000),
    "bound_0": Policy(bound_ms=0),
    "sliding": Policy(slide_ms=5_000),
    "sliding_lateness": Policy(slide_ms=2_500, lateness_ms=2_500),
}


@dataclass(frozen=True)
class Oracle:
    """The slow second opinion on the rules, as a job; what is wrong with it comes by name."""

    policy: Policy
    size_off: int = 0
    bound_off: int = 0
    lateness_off: int = 0
    by_key: bool = True

    def __call__(self, log: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        items = [
            Item(event["offset"], event["key"] if self.by_key else "a", event["event_ms"],
                 event["value"])
            for event in log
        ]  # fmt: skip
        played = play_windows(
            items,
            size=self.policy.size_ms + self.size_off,
            slide=self.policy.step_ms,
            bound=self.policy.bound_ms + self.bound_off,
            lateness=self.policy.lateness_ms + self.lateness_off,
        )
        for emission in played.emissions:
            yield {
                "key": emission.key,
                "window_start": emission.start,
                "window_end": emission.end,
                "value": sum(item.value for item in emission.items),
            }
        for step in played.steps:
            if not step.kept:
                yield {"late": step.item.offset}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_nothing_is_found_in_an_independent_oracle(policy: Policy) -> None:
    assert search(as_job(Oracle(policy)), policy, logs=300) is None


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize(
    "wrong",
    [{"bound_off": -1}, {"bound_off": 1}, {"lateness_off": 1}, {"by_key": False}],
    ids=["missing_millisecond", "one_too_many", "lateness_plus_one", "keys_mixed"],
)
def test_a_millisecond_or_a_key_is_found_in_six_events_or_fewer(
    policy: Policy, wrong: dict[str, Any]
) -> None:
    found = found_in(Oracle(policy, **wrong), policy)
    assert len(found.log.events) <= 6, str(found.log)


def found_in(function: Callable[..., Any], policy: Policy) -> Counterexample:
    job = as_job(function)
    found = search(job, policy)
    assert found is not None
    wrong = [log for log in smaller(found.log, policy) if log.events and differs(job, log, policy)]
    assert differs(job, found.log, policy), "what is shown must be wrong"
    assert wrong == [], "a simpler log is wrong, too"
    return found


def differs(job: Any, log: Log, policy: Policy) -> bool:
    (said,) = job.run([log])
    return difference(log, said, expected(log, policy)) is not None


def test_a_wide_job_is_run_half_as_often_for_the_same_log() -> None:
    runs = []
    found = []
    for wide in (False, True):
        job = as_job(Oracle(Policy(), bound_off=-1))
        job.wide = wide
        counted = Counted(job)
        found.append(search(counted, Policy()))
        runs.append(counted.runs)
    assert found[0] == found[1]
    assert found[0] is not None
    assert 2 * runs[1] <= runs[0]


class Counted:
    """A job that counts how often it is run."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.restarts, self.wide, self.runs = job.restarts, job.wide, 0

    def run(self, logs: Sequence[Log]) -> list[Tally]:
        self.runs += 1
        return self._job.run(logs)


def test_the_usual_split_is_found_by_a_restart_and_not_without_one() -> None:
    job = load(EXAMPLES / "current_watermark_split.py", None)
    found = search(job, Policy())
    assert found is not None
    assert found.log.restart is not None
    assert len(found.log.events) <= 6
    assert "reports it nowhere" in found.sentence
    job.restarts = False
    assert search(job, Policy()) is None


def test_the_same_seed_draws_the_same_logs_and_every_boundary_is_among_them() -> None:
    def logs(seed: int) -> list[Log]:
        rng = Random(seed)
        return [draw(rng, Policy(), restarts=True) for _ in range(200)]

    assert logs(7) == logs(7) != logs(8)
    times = {event.event_ms for log in logs(7) for event in log.events}
    assert {9_999, 10_000, 13_999, 14_000} <= times
    places = {log.restart == len(log.events) for log in logs(7) if log.restart is not None}
    assert places == {True, False}, "restarts lie inside of logs and at their ends"


def test_a_restart_moves_with_the_events_that_go_before_it() -> None:
    events = tuple(Event(number * 1_000, number * 1_000) for number in range(1, 5))
    simpler = list(smaller(Log(events, restart=2), Policy()))
    assert Log(tuple(Event(n * 1_000, a * 1_000) for a, n in ((1, 3), (2, 4))), 0) in simpler
    assert all(log.restart is None or 0 <= log.restart <= len(log.events) for log in simpler)


def test_a_job_that_fails_is_one_sentence_with_the_log_that_it_fails_on() -> None:
    def fails(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
        raise ZeroDivisionError(len(log))

    with pytest.raises(JobError, match=r"fails on the log `.*`: ZeroDivisionError"):
        search(as_job(fails), Policy())
    with pytest.raises(JobError, match=r"the row .* has no window_end"):
        search(as_job(lambda log: [{"key": "a", "window_start": 0, "value": 1}]), Policy())


ROW: dict[str, Any] = {"key": "a", "window_start": 0, "window_end": 10_000, "value": 1}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (None, "returns None, not rows: return a list of dicts"),
        (7, "returns 7, not rows"),
        ([("a", 0, 10_000, 1)], r"the row \('a', 0, 10000, 1\) is no dict with key"),
        ([{**ROW, "key": 1}], "the key 1 is no text"),
        ([{**ROW, "window_start": None}], "window_start None is no whole number"),
        ([{**ROW, "window_end": 10.0}], "window_end 10.0 is no whole number"),
        ([{**ROW, "value": "1"}], "the value '1' is no number"),
        ([{"late": 99}], "99 is reported as late, and is the offset of no event"),
    ],
    ids=["none", "number", "tuple", "key", "start", "end", "value", "late"],
)
def test_what_is_no_row_is_one_sentence_that_names_it(rows: Any, sentence: str) -> None:
    with pytest.raises(JobError, match=sentence):
        search(as_job(lambda log: rows), Policy(), logs=1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def job(log:", "does not run: SyntaxError"),
        ("x = 1", "has no function and no class: write one"),
        ("import sys\nsys.exit(2)", "does not run: SystemExit: 2"),
        ("open('nothing.csv')", "does not run: FileNotFoundError"),
        (
            "def job(log):\n    raise ValueError('one\\ntwo')",
            "fails on the log .*: ValueError: one, in line 2",
        ),
        ("def job(log):\n    raise SystemExit(3)", "fails on the log .*: SystemExit: 3"),
    ],
    ids=["syntax", "no_job", "exits", "no_file", "two_lines", "job_exits"],
)
def test_a_file_that_does_not_work_is_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    assert_refused(tmp_path, text, sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("while True:\n    pass", "too short for .*job.py to load: look for a loop"),
        ("def job(log):\n    while True:\n        pass", "too short for the job to end on the log"),
    ],
    ids=["file", "job"],
)
def test_what_never_ends_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    monkeypatch.setattr(prove, "_LONGEST_S", 0.2)
    assert_refused(tmp_path, text, sentence)


def assert_refused(folder: Path, text: str, sentence: str) -> None:
    job = folder / "job.py"
    job.write_text(text)
    result = CliRunner().invoke(app, ["prove", str(job)])
    assert result.exit_code == 1
    assert re.search(sentence, result.output), result.output
    assert result.output.count("\n") == 1


def test_a_job_may_use_what_lies_beside_it_and_data_classes(tmp_path: Path) -> None:
    (tmp_path / "beside_the_job.py").write_text("def rows(log):\n    return []\n")
    job = tmp_path / "json.py"  # the name of a module that is loaded
    job.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from beside_the_job import rows\n"
        "@dataclass\n"
        "class _Sum:\n"
        "    value: int\n"
        "def job(log):\n"
        "    return rows(log)\n"
    )
    before = list(sys.path)
    assert load(job, None).run([Log((Event(0, 0),))]) == [Tally({})]
    assert sys.path == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing.py"], "there is no file nothing.py"),
        (["nothing.sql"], "cannot read nothing.sql"),
        (["job.txt"], "job.txt is neither Python nor SQL"),
        ([str(EXAMPLES / "current_watermark_split.py:Other")], "say which"),
        ([str(EXAMPLES / "current_watermark_split.py"), "--slide", "3"], "does not divide"),
        ([str(EXAMPLES / "current_watermark_split.py"), "--bound", "-1"], "bound_ms=-1000"),
    ],
)
def test_what_cannot_be_tried_is_one_sentence(words: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, ["prove", *words])
    assert result.exit_code == 1
    assert sentence in result.output
    assert result.output.count("\n") == 1


def test_the_command_shows_the_log_the_mistake_and_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "found.png"
    job = str(EXAMPLES / "current_watermark_split.py")
    result = CliRunner().invoke(app, ["prove", job, "--picture", str(picture)])
    assert result.exit_code == 1
    assert "Wrong on 3 events" in result.output
    assert "\n  a14 a0 | a0\n" in result.output
    assert "event #3 is in no window" in result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
