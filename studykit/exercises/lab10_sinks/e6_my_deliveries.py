"""L10.6: write the deliveries that catch five wrong sinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from studykit.exercises.definition import Exercise, Json, Misconception
from studykit.exercises.lineup import IN_EVERY_LINEUP, Lineup, is_whole

Rows = list[list[Json]]
Store = dict[str, int]
Identity = tuple[int, int]


def right(rows: Rows) -> Store:
    """Return the value of the newest row of each key."""
    return _guarded(rows, lambda mine, held: mine > held)


def _guarded(rows: Rows, is_newer: Callable[[Identity, Identity], bool]) -> Store:
    """Fill a store with a sink of the same shape and another rule."""
    held: dict[str, tuple[Identity, int]] = {}
    for key, end_ms, revision, value in rows:
        mine = (end_ms, revision)
        if key not in held or is_newer(mine, held[key][0]):
            held[key] = (mine, value)
    return {key: value for key, (_, value) in held.items()}


def _adds(rows: Rows) -> Store:
    store: Store = {}
    for key, _, _, value in rows:
        store[key] = store.get(key, 0) + value
    return store


def _one_guard(rows: Rows) -> Store:
    store: Store = {}
    newest: Identity | None = None
    for key, end_ms, revision, value in rows:
        if newest is None or (end_ms, revision) > newest:
            newest = (end_ms, revision)
            store[key] = value
    return store


WRONG: Final[dict[str, Callable[[Rows], Store]]] = {
    "adds up": _adds,
    "takes whatever comes": lambda rows: _guarded(rows, lambda mine, held: True),
    "asks the window end only": lambda rows: _guarded(rows, lambda mine, held: mine[0] > held[0]),
    "asks the revision only": lambda rows: _guarded(rows, lambda mine, held: mine[1] > held[1]),
    "has one guard for all keys": _one_guard,
}
"""The wrong sinks, by what is wrong with them."""


def _well_formed(test: Json) -> bool:
    return (
        isinstance(test, list)
        and len(test) == 2
        and isinstance(test[0], list)
        and all(map(_is_row, test[0]))
        and isinstance(test[1], dict)
        and all(isinstance(key, str) and is_whole(test[1][key]) for key in test[1])
    )


def _is_row(row: Json) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 4
        and isinstance(row[0], str)
        and all(map(is_whole, row[1:]))
    )


LINEUP: Final = Lineup(
    noun="sink",
    right=right,
    wrong=WRONG,
    well_formed=_well_formed,
    form=(
        "a test is a list [rows, expected]; a row is [key, window_end, revision, value], as in "
        '["a", 10, 0, 3], and expected is a dict like {"a": 3}'
    ),
)


def reference() -> list[Json]:
    """Return three deliveries that catch all five."""
    return [
        [[["a", 10, 0, 3], ["a", 10, 1, 4], ["a", 10, 0, 3]], {"a": 4}],
        [[["a", 10, 1, 4], ["a", 20, 0, 5]], {"a": 5}],
        [[["a", 20, 0, 5], ["b", 10, 0, 7]], {"a": 5, "b": 7}],
    ]


def each_row_once() -> list[Json]:
    """Deliver each row once."""
    return [[[["a", 10, 0, 3], ["b", 20, 0, 7]], {"a": 3, "b": 7}]]


def in_order() -> list[Json]:
    """Repeat a row at once, so that nothing is overtaken."""
    return [[[["a", 10, 0, 3], ["a", 10, 0, 3], ["a", 20, 0, 5]], {"a": 5}]]


def no_correction() -> list[Json]:
    """Have no window with two revisions."""
    return [[[["a", 20, 0, 5], ["a", 10, 0, 3], ["a", 20, 0, 5]], {"a": 5}],
            [[["a", 20, 0, 5], ["a", 10, 0, 3]], {"a": 5}]]  # fmt: skip


def one_window() -> list[Json]:
    """Correct one window, and have no other."""
    return [[[["a", 10, 0, 3], ["a", 10, 1, 4], ["a", 10, 0, 3]], {"a": 4}]]


def one_key() -> list[Json]:
    """Have one key."""
    return [
        [[["a", 10, 0, 3], ["a", 10, 1, 4], ["a", 10, 0, 3]], {"a": 4}],
        [[["a", 10, 1, 4], ["a", 20, 0, 5]], {"a": 5}],
    ]


def own_error() -> list[Json]:
    """Expect the last row that comes to win."""
    return [[[["a", 20, 0, 5], ["a", 10, 0, 3]], {"a": 3}]]


EXERCISE = Exercise(
    id="L10.6",
    name="my_deliveries",
    kind="write tests",
    minutes=15,
    task="Write deliveries that the right sink passes and five wrong ones do not.",
    reference=reference,
    cases=((),),
    hidden="deliveries that the right sink passes and each of the five wrong ones fails",
    fingerprint=LINEUP.first_problem,
    trace=LINEUP.trace,
    rule="A sink is right if repeated and overtaken rows leave the store that they should.",
    next_step="After which rows would the sink named above hold something else?",
    hints=(
        "Which row of yours comes twice, and which comes after a newer one?",
        "Which of your windows has two revisions, and which key has two windows?",
        "What do the five hold after: a 10 revision 1, a 20 revision 0, and then b 10?",
    ),
    discussion=(
        "One delivery of six rows catches all five; try to find it. In earnest nobody picks rows "
        "by hand: shuffle and repeat the rows of a run, and ask for the same store each time. That "
        "one law catches all five, and needs no expected value. Go further: which wrong sink "
        "passes it all the same?"
    ),
    misconceptions=(
        *IN_EVERY_LINEUP,
        Misconception(
            name="each-row-once",
            answer=each_row_once,
            rule="A sink that adds up is right as long as no row comes a second time to its key.",
            next_step="Which of your rows comes twice?",
        ),
        Misconception(
            name="nothing-overtaken",
            answer=in_order,
            rule="In order, the last row is the newest: whatever takes all is right then.",
            next_step="Which of your rows comes after a newer one of its key?",
        ),
        Misconception(
            name="no-correction",
            answer=no_correction,
            rule="As long as each window has one revision, the revision is never asked.",
            next_step="Which of your windows is corrected?",
        ),
        Misconception(
            name="one-window",
            answer=one_window,
            rule="Revisions begin anew with each window: that shows only where there are two.",
            next_step="What if a later window, of revision 0, comes after a correction?",
        ),
        Misconception(
            name="keys-never-mixed",
            answer=one_key,
            rule="Whose row guards shows only where a row is older than one of another key.",
            next_step="Which of your deliveries has two keys, the second one older?",
        ),
        Misconception(
            name="wrong-expectation",
            answer=own_error,
            rule="The right sink has to pass all tests. Where it fails one, the test is wrong.",
            next_step="Which row of that test is its key's newest, by window end and revision?",
        ),
    ),
)
