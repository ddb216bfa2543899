"""Answers as people write them: wrong ones of every kind, and right ones that differ.

Each wrong answer is the reference with one habit of people put around it. None passes, each is told
what its results have in common, and the name is one that is true of it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from studykit.checks import lab as lab_module
from studykit.checks.diagnosis import likeness
from studykit.checks.diagnosis.facts import Facts, facts_of
from studykit.checks.diagnosis.smaller import smaller
from studykit.checks.judging import Judgement, cases_of, judge
from studykit.checks.running import run_cases
from studykit.exercises.catalog import find_exercise, labs
from studykit.exercises.definition import Exercise

Answer = Callable[..., Any]

PLAIN = [
    pytest.param(exercise, id=exercise.id)
    for lab in labs()
    for exercise in lab.exercises
    if exercise.random_case is not None and exercise.fingerprint([0]) == [0]
]


def judged(exercise: Exercise, function: Answer) -> Judgement:
    """Judge a function as `lab.check` does in a notebook."""
    return lab_module.check_in({exercise.name: function}, exercise)


def each(change: Callable[[Any], Any]) -> Callable[[Exercise], Answer]:
    """Return what makes, of an exercise, an answer whose plain values are changed."""

    def through(value: Any) -> Any:
        if isinstance(value, list):
            return [through(part) for part in value]
        if isinstance(value, dict):
            return {name: through(part) for name, part in value.items()}
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return change(value) if is_number else value

    return whole(through)


def whole(change: Callable[[Any], Any]) -> Callable[[Exercise], Answer]:
    """Return what makes, of an exercise, an answer whose result is changed."""

    def answer_of(exercise: Exercise) -> Answer:
        reference = exercise.reference

        def answer(*args: Any) -> Any:
            return change(reference(*args))

        answer.__signature__ = inspect.signature(reference)
        return answer

    return answer_of


def printed(exercise: Exercise) -> Answer:
    return whole(print)(exercise)


def reversed_lists(value: Any) -> Any:
    return value[::-1] if isinstance(value, list) else value


HABITS: dict[str, tuple[Callable[[Exercise], Answer], set[str]]] = {
    "returns nothing": (whole(lambda _value: None), {"nothing-returned"}),
    "prints": (printed, {"printed-not-returned"}),
    "texts": (each(str), {"text-for-number"}),
    "floats": (each(float), {"float-for-whole-number"}),
    "one more": (each(lambda number: number + 1), {"off-by-one"}),
    "one less": (each(lambda number: number - 1), {"off-by-one"}),
    "seven more": (each(lambda number: number + 7), {"always-as-far-off"}),
    "seconds": (each(lambda number: number // 1_000), {"seconds-for-milliseconds"}),
    "minus": (each(lambda number: -number), {"wrong-sign"}),
    "backwards": (whole(reversed_lists), {"reversed", "another-order"}),
    "without the last": (
        whole(lambda value: value[:-1] if isinstance(value, list) else value),
        {"last-missing"},
    ),
    "twice": (
        whole(
            lambda value: (
                [element for element in value for _ in "12"] if isinstance(value, list) else value
            )
        ),
        {"repeated", "one-more-at-the-end"},
    ),
    "inside of a list": (whole(lambda value: [value]), {"list-around"}),
    "capital letters": (
        whole(lambda value: value.upper() if isinstance(value, str) else value),
        {"spelled-otherwise"},
    ),
    "a set": (whole(lambda value: {1, 2} if value is not None else value), {"no-plain-value"}),
}


@pytest.mark.parametrize("exercise", PLAIN)
def test_a_habit_is_named_or_its_misconception_is(exercise: Exercise) -> None:
    cases = cases_of(exercise)
    right = run_cases(exercise.reference, cases)
    own = {bad.name for bad in exercise.misconceptions}
    named = []
    for habit, (make, names) in HABITS.items():
        answer = make(exercise)
        if run_cases(answer, cases) == right:
            continue  # this habit changes nothing here
        judgement = judged(exercise, answer)
        assert judgement.status == "failed", habit
        assert "Traceback" not in judgement.text
        named.append((habit, judgement.name, bool(judgement.name in names | own)))
    told = [name for _, name, _ in named if name]
    assert len(told) >= 0.8 * len(named), named
    assert sum(true for _, _, true in named) >= 0.7 * len(named), named


@pytest.mark.parametrize("exercise", PLAIN)
def test_a_fixed_argument_is_named(exercise: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "SLIP_S", 1.0)  # a busy machine finds no slip in 0.1 s
    names = list(inspect.signature(exercise.reference).parameters)
    tree = ast.parse(inspect.getsource(exercise.reference))
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for place, name in enumerate(names):
        value = exercise.public_cases()[0][place]
        if not isinstance(value, int) or len(names) == 1:
            continue

        def answer(*args: Any, place: int = place, value: int = value) -> Any:
            return exercise.reference(*args[:place], value, *args[place + 1 :])

        answer.__signature__ = inspect.signature(exercise.reference)
        judgement = judged(exercise, answer)
        if any(line.startswith(f"{name} = ") for line in exercise.equivalent):
            continue  # the exercise says itself that nothing depends on it
        if name not in read:
            continue  # a decoy: the task gives it, and the right answer never reads it
        assert judgement.status == "failed", name
        outcomes = run_cases(answer, cases_of(exercise))
        assert judgement.name or not all("value" in outcome for outcome in outcomes), name


@pytest.mark.parametrize("exercise", PLAIN)
def test_right_answers_that_differ_pass(exercise: Exercise) -> None:
    def spoils_its_arguments(*args: Any) -> Any:
        result = exercise.reference(*args)
        for value in args:
            if isinstance(value, list | dict):
                value.clear()
        return result

    ways = [
        each(np.int64)(exercise),
        whole(lambda value: tuple(value) if isinstance(value, list) else value)(exercise),
        whole(lambda value: dict(reversed(value.items())) if isinstance(value, dict) else value)(
            exercise
        ),
        spoils_its_arguments,
    ]
    for answer in ways:
        assert judged(exercise, answer).status == "passed"


@pytest.mark.parametrize("exercise", [param for param in PLAIN if param.values[0].second])
def test_a_second_answer_passes(exercise: Exercise) -> None:
    namespace: dict[str, Any] = {}
    exec(exercise.second, namespace)
    assert judged(exercise, namespace[exercise.name]).status == "passed"


def defined(exercise_id: str, source: str) -> Judgement:
    """Judge an answer that stands in a notebook as text."""
    exercise = find_exercise(exercise_id)[1]
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return lab_module.check_in(namespace, exercise)


WATERMARKS = """
def watermarks(times_ms, bound_ms):
    highest, after = None, []
    for time_ms in times_ms:
        highest = time_ms if highest is None else max(highest, time_ms)
        after.append({end})
    return after
"""


@pytest.mark.parametrize(
    ("exercise_id", "source", "name", "says"),
    [
        (
            "L02.2",
            "seen = []\ndef watermarks(times_ms, bound_ms):\n    seen.extend(times_ms)\n"
            "    first = len(seen) - len(times_ms)\n"
            "    return [max(seen[: first + n + 1]) - bound_ms - 1 for n in range(len(times_ms))]",
            "remembers-between-calls",
            "called alone this case is right",
        ),
        (
            "L02.2",
            WATERMARKS.format(end="watermark(highest, bound_ms)")
            + "\ndef watermark(time_ms, bound_ms):\n    return time_ms - bound_ms",
            "uses-a-wrong-answer",
            "Your L02.1 is wrong: fix that first",
        ),
        (
            "L04.4",
            "list = [1]\ndef sessions(times_ms, gap_ms):\n    return list(times_ms)",
            "overwritten-builtin",
            "`list` got another value",
        ),
        ("L02.1", "def watermark(max_seen_ms):\n    return 1", "lost-parameter", "bound_ms"),
        ("L02.1", "def watermark(a, b, c):\n    return 1", "extra-parameter", "yours takes (a, b"),
        ("L02.1", "def watermark(a, b):\n    return EPOCH", "unknown-name", "from the top"),
        (
            "L02.1",
            "def watermark(max_seen_ms, bound_ms):\n    return max_sen_ms - bound_ms - 1",
            "misspelled-name",
            "Did you mean `max_seen_ms`?",
        ),
        (
            "L02.1",
            "def watermark(a, b):\n    return watermark(a, b)",
            "calls-itself-for-ever",
            "is it ever reached?",
        ),
        ("L02.1", "def watermark(a, b):\n    return input()", "asks-a-person", "come as arguments"),
        ("L02.1", "def watermark(a, b):\n    exit()", "ends-the-program", "`return`"),
        (
            "L05.1",
            "def verdict(a, b, c):\n    return 'on-time'",
            "unknown-word",
            "none of the words",
        ),
        (
            "L02.5",
            "def bound_for_share(times_ms, percent):\n    return times_ms / 0",
            "mixed-types",
            "",
        ),
        (
            "L02.1",
            "def watermark(a, b):\n    return [a - b - 1 for _ in range(0)][0]",
            "beyond-the-end",
            "",
        ),
        (
            "L12.5",
            "def repaired(settings, restart_s, broker_most_s):\n"
            "    least, now = settings['checkpoint_s'] + restart_s, "
            "settings.get('transaction_timeout_s', 3600)\n"
            "    return {**settings, 'delivery': 'exactly-once', 'isolation': 'read_committed',"
            " 'transaction_timeout_s': now if least <= now <= broker_most_s else broker_most_s}",
            "a-value-for-none",
            "at most 900 s: there is none",
        ),
        (
            "L09.5",
            "def sampled(names, offset, every, now_ms):\n"
            "    return [name for name in names[offset:] if hash(name) % every == 0]",
            "salted-hash",
            "another number in each process",
        ),
        (
            "L11.1",
            "def watermark_sql(bound_ms):\n"
            "    span = f'{bound_ms // 1000}.{bound_ms % 1000:03}'\n"
            "    return f\"rt - INTERVAL '{span}' SECOND - INTERVAL '0.002' SECOND\"",
            "off-by-one",
            "the ms that your watermark is behind: always 1 too large",
        ),
        (
            "L11.1",
            "def watermark_sql(bound_ms):\n    return \"rt - INTERVAL '{bound_ms}' SECOND\"",
            "no-f-string",
            "'{bound_ms}', letter by letter",
        ),
        (
            "L11.4",
            "def verdict_sql(size_ms, bound_ms):\n"
            "    return \"CASE WHEN seen - bound_ms > event_ms THEN 'late' END\"",
            "a-name-of-python",
            "`bound_ms` is a name in your function",
        ),
        (
            "L11.4",
            "def verdict_sql(size_ms, bound_ms):\n"
            '    return f"IF(seen - {bound_ms} >= event_ms - MOD(event_ms, {size_ms}) + '
            "{size_ms}, 'Late', 'On time')\"",
            "spelled-otherwise",
            "the verdicts that your text gives: ",
        ),
    ],
)
def test_a_slip_of_hand_is_named(exercise_id: str, source: str, name: str, says: str) -> None:
    judgement = defined(exercise_id, source)
    assert judgement.status == "failed"
    assert judgement.name == name
    assert says in " ".join(judgement.text.split())


def test_what_is_said_of_a_field_is_true_of_the_case_that_is_shown() -> None:
    # Totals are wrong in the first case alone, letters in later ones alone.
    source = """def read_payments(records, renamed):
    totals, letters = {}, []
    for place, record in enumerate(records):
        fields = {renamed.get(name, name): value for name, value in record.items()}
        if "card" not in fields:
            letters.append([place, "card"])
        elif type(fields.get("cents")) is not int:
            letters.append([place, "cents"])
        else:
            totals[fields["card"]] = totals.get(fields["card"], 0) + fields["cents"]
    return {"totals": totals, "letters": letters}
"""
    message = defined("L14.6", source).message
    assert message
    assert "the letters are right" in message.trace
    assert "in the field 'letters'" not in message.trace


def test_a_trace_that_cannot_compare_says_nothing_false() -> None:
    exercise = find_exercise("L12.3")[1]
    args = ([["b", 20_000, 0], ["a", 30_000, 1]], [])
    got = exercise.expected(args)[::-1]
    assert exercise.explain(args, got, exercise.expected(args)).trace == (
        "item 1 of your list is ['b', 20_000, [0], []], which has no place there"
    )
    assert "your list ends after 0 items" in exercise.explain(args, [], [1]).trace


def test_a_slip_inside_is_named_by_its_kind() -> None:
    source = (
        "def counts_per_minute(events):\n"
        "    starts = [int(event_ms / 60_000) * 60_000 for event_ms, _ in events]\n"
        "    return [[start, starts.count(start)] for start in sorted(set(starts))]"
    )
    assert defined("L01.4", source).name in ("cuts-towards-zero", "negative-numbers")


def begun(source: str, outcome: str = "L02.1 watermark: a hint") -> Judgement:
    """Judge an answer that still reaches its hole in every case but one that it has right."""
    exercise = find_exercise("L02.1")[1]
    cases = cases_of(exercise)
    outcomes = [{"not_done": outcome} for _ in cases]
    outcomes[1] = {"value": exercise.expected(cases[1])}
    return judge(exercise, cases, outcomes, Facts(source=source))


HOLE = """def watermark(max_seen_ms: int, bound_ms: int) -> int:
    \"\"\"Return the watermark in epoch milliseconds.\"\"\"
    oldest_expected_ms = max_seen_ms - bound_ms
    raise lab.NotDone("L02.1 watermark: an older hint")
"""


def test_the_hole_of_an_older_copy_is_not_attempted() -> None:
    assert begun(HOLE).status == "not attempted"
    assert begun(HOLE + "    # to do\n").status == "not attempted"


def test_work_above_the_hole_is_told_what_keeps_it() -> None:
    judgement = begun(HOLE.replace("    raise", "    answer = oldest_expected_ms - 1\n    raise"))
    assert judgement.status == "begun"
    assert judgement.text == (
        "L02.1 begun: your function still reaches `raise lab.NotDone`: delete that line, and "
        "return your answer; 1 of 6 cases is right so far."
    )


def test_an_answer_in_a_cell_above_the_hole_is_found() -> None:
    exercise = find_exercise("L02.1")[1]
    namespace: dict[str, Any] = {
        "lab": lab_module,
        "In": ["", "def watermark(a, b):\n    return a - b - 1", HOLE],
    }
    exec(HOLE, namespace)
    judgement = lab_module.check_in(namespace, exercise)
    assert judgement.status == "begun"
    assert "another cell defines watermark, too, and the hole ran after it" in judgement.text


def test_the_facts_tell_builtins_apart_from_names_of_the_notebook() -> None:
    namespace: dict[str, Any] = {"sum": 3, "total": 4, "max": max}
    exec("def f(numbers):\n    return sum + total + len(numbers)", namespace)
    found = facts_of(namespace, "f", ([1],))
    assert found.overwritten == ["sum"]
    assert found.parameters == ["numbers"]
    assert found.alone == {"value": 8}


def test_a_third_failure_of_one_kind_offers_a_smaller_case(
    capsys: pytest.CaptureFixture[str],
) -> None:
    namespace: dict[str, Any] = {"lab": lab_module}
    exec(WATERMARKS.format(end="time_ms - bound_ms - 1 if time_ms < 9_000 else 0"), namespace)
    for _ in range(2):
        exec('lab.check("L02.2")', namespace)
        assert "A smaller case" not in capsys.readouterr().out
    exec('lab.check("L02.2")', namespace)
    assert "A smaller case that fails:\nwatermarks([" in capsys.readouterr().out


def test_a_smaller_case_is_as_small_as_it_can_be() -> None:
    exercise = find_exercise("L02.2")[1]

    def moves_back(times_ms: list[int], bound_ms: int) -> list[int]:
        return [time_ms - bound_ms - 1 for time_ms in times_ms]

    args = ([1_000, 5_000, 7_000, 2_000, 9_000], 500)
    found = smaller(exercise, args, moves_back)
    assert found is not None
    (first, second), bound_ms = found
    assert first > second
    assert bound_ms == 500
