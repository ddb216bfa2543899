"""L11.2: predict what four forms of one sum count."""

from __future__ import annotations

from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import wrong_number

TIMES_MS: Final = (2_000, 13_000, 14_000, 6_000, 18_000, 3_000)
BOUND_MS: Final = 4_000
SIZE_MS: Final = 10_000
LATENESS_MS: Final = 3_000
_NAMES: Final = (
    "counted by the window in SQL",  # no claim: ours
    "counted by the DataStream window, record by record",  # no claim: ours
    "counted by it with the usual bundle",  # no claim: ours
    "rows of the sum without a window",
)


def _counted(lateness_ms: int) -> int:
    found = 0
    for place, event_ms in enumerate(TIMES_MS):
        watermark_ms = max(TIMES_MS[:place], default=-SIZE_MS) - BOUND_MS - 1
        last_ms = (event_ms // SIZE_MS + 1) * SIZE_MS - 1
        found += last_ms + lateness_ms > watermark_ms
    return found


def reference() -> list[int]:
    """Return the four numbers: by the engine's rule, and two rows for each change but the first."""
    return [_counted(0), _counted(LATENESS_MS), len(TIMES_MS), 2 * len(TIMES_MS) - 1]


def late_is_late() -> list[int]:
    """Believe that lateness saves nobody."""
    return [4, 4, 6, 11]


def nothing_decides_but_events() -> list[int]:
    """Believe that a bundle changes the time of results only."""
    return [4, 5, 5, 11]


def sql_corrects() -> list[int]:
    """Believe that windows in SQL correct themselves as well."""
    return [5, 5, 6, 11]


def a_row_a_change() -> list[int]:
    """Believe that a change is one row."""
    return [4, 5, 6, 6]


def one_row_at_the_end() -> list[int]:
    """Believe that a sum of a stream comes once."""
    return [4, 5, 6, 1]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first number that is wrong."""
    return wrong_number(_NAMES, got, expected)


EXERCISE = Exercise(
    id="L11.2",
    name="predict_counts",
    kind="predict",
    minutes=8,
    task="Predict what four forms of one sum make of six payments.",
    reference=reference,
    cases=((),),
    hidden="what the four forms give",
    trace=trace,
    rule=(
        "A window that has fired is closed, corrects itself, or has to wait for "  # no claim: ours
        "a bundle."
    ),
    next_step="Which watermark does each of the two old payments meet, in this form?",
    hints=(
        "Which window does the payment at 6 s belong to, and when does that one fire?",
        "How far does the watermark get before the last payment comes, and is that past the "
        "lateness?",
        "What does a reader need to hear when a sum of 5 becomes 12?",
    ),
    discussion=(
        "Four answers, one log, no error anywhere. The form decides what late means, so two "
        "programs agree only if they judge by the same rule before the window. Go further: with "
        "which bundle does the DataStream form count what SQL counts?"  # no claim: ours
    ),
    misconceptions=(
        Misconception(
            name="late-is-late",
            answer=late_is_late,
            rule="For as long as the lateness lasts a fired window is kept, and corrects itself.",
            next_step="Until which watermark is [0, 10_000) kept, with 3 s of lateness?",
        ),
        Misconception(
            name="only-later",
            answer=nothing_decides_but_events,
            rule=(
                "The watermark waits for the "  # claim: flink-python-bundle-holds-the-watermark
                "bundle, so that a late event meets an older one."
            ),
            next_step="Where is the watermark while all six payments are on their way to Python?",
        ),
        Misconception(
            name="sql-corrects",
            answer=sql_corrects,
            rule=(
                "Windows in SQL fire once, "  # claim: flink-sql-windows-drop-late-without-output
                "and drop what comes behind."
            ),
            next_step="What does the lateness of a DataStream window have to do with SQL?",
        ),
        Misconception(
            name="a-row-a-change",
            answer=a_row_a_change,
            rule=(
                "An update is two rows: the old one taken "  # claim: flink-updates-are-two-rows
                "back, the new one sent."
            ),
            next_step="What does the reader have to do with the sum that it got before?",
        ),
        Misconception(
            name="one-row-at-the-end",
            answer=one_row_at_the_end,
            rule="Without a window nothing says that a sum is complete: every payment changes it.",
            next_step="Who could know that the sixth payment is the last?",
        ),
    ),
)
