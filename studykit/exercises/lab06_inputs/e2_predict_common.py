"""L06.2: predict when the common watermark moves."""

from __future__ import annotations

from typing import Final

from flink_jobs.utils.watermarks import MIN_WATERMARK, WatermarkCombiner
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

REPORTS: Final = (("p0", 4_999), ("p1", 2_999), ("p0", 9_999), ("p0", 14_999), ("p1", 11_999))
"""Two inputs, five reports; between the fourth and the fifth a minute passes."""


def reference() -> list[int | None]:
    """Return the common watermark after each report, from the engine's combiner."""
    merged = WatermarkCombiner(["p0", "p1"])
    common = [merged.advance(name, watermark_ms) for name, watermark_ms in REPORTS]
    return [None if w == MIN_WATERMARK else w for w in common]


def waiting_moves_it() -> list[int | None]:
    """Believe that the minute before the last report has moved the watermark already."""
    return [None, 2_999, 2_999, 14_999, 14_999]


def last_report() -> list[int | None]:
    """Follow whoever spoke last."""
    return [4_999, 2_999, 9_999, 14_999, 11_999]


def furthest() -> list[int | None]:
    """Follow the input that is furthest."""
    return [4_999, 4_999, 9_999, 14_999, 14_999]


def first_alone() -> list[int | None]:
    """Let the first report count before the other input has spoken."""
    return [4_999, 4_999, 4_999, 4_999, 11_999]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first report after which the prediction is wrong."""
    index = first_difference(got, expected)
    if index == len(expected):
        return f"you predict {len(got)} watermarks, and there are {len(expected)} reports"
    latest = dict(REPORTS[: index + 1])
    known = ", ".join(f"{name} {short(w)}" for name, w in latest.items())
    return f"report {index + 1}, {REPORTS[index][0]}: known is {known}; you say {item(got, index)}"


EXERCISE = Exercise(
    id="L06.2",
    name="predict_common",
    kind="predict",
    minutes=6,
    task="Predict the common watermark after each of five reports.",
    reference=reference,
    cases=((),),
    hidden="the smaller of the two inputs' latest watermarks after each report",
    trace=trace,
    rule="The slower input is the clock: the common watermark moves when that one moves.",
    next_step="Write the latest watermark of both inputs beside each report. Which is smaller?",
    hints=(
        "Which of the two inputs holds the watermark after each report?",
        "What is known of p1 when the first report comes?",
        "Does the common watermark move when the faster of the two moves?",
    ),
    discussion=(
        "Three of five reports moved nothing, and a minute of waiting moved nothing. A job in this "
        "state looks dead, although it reads every event. Go further: which single number, shown "
        "for each input, would have told you whom it waits for?"
    ),
    misconceptions=(
        Misconception(
            name="waiting-moves-it",
            answer=waiting_moves_it,
            rule="Events move a watermark. A minute without events moves nothing.",
            next_step="What has p1 said in that minute?",
        ),
        Misconception(
            name="follows-the-last-report",
            answer=last_report,
            rule="Who speaks last does not decide: the smallest of all latest watermarks does.",
            next_step="When p0 speaks, what may p1 still send?",
        ),
        Misconception(
            name="max-instead-of-min",
            answer=furthest,
            rule="The furthest input knows nothing of what the slower one still holds.",
            next_step="At 14_999, may p1 still send an event at 3_000?",
        ),
        Misconception(
            name="first-alone",
            answer=first_alone,
            rule="As long as an input has said nothing, nothing is known of the oldest event.",
            next_step="After the first report, which event could p1 send as its first?",
        ),
    ),
)
