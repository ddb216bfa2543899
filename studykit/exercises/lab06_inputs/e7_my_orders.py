"""L06.7: write the orders of reports that catch five wrong mergers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flink_jobs.utils.watermarks import MIN_WATERMARK, WatermarkCombiner
from studykit.exercises.definition import Exercise, Json, Misconception
from studykit.exercises.lineup import IN_EVERY_LINEUP, Lineup, is_whole

Reports = list[list[Json]]
INPUTS: Final = ("a", "b")
UNKNOWN: Final = MIN_WATERMARK


def right(reports: Reports) -> int:
    """Return the common watermark at the end, from the engine's combiner."""
    merged = WatermarkCombiner(INPUTS)
    for name, watermark_ms in reports:
        if watermark_ms is None:
            merged.mark_idle(name)
        else:
            merged.advance(name, watermark_ms)
    return merged.watermark_ms


def _played(
    reports: Reports, pick: Callable[[list[int]], int], *, wakes: bool = True, back: bool = False
) -> int:
    """Play reports with a merger of the same shape and another rule."""
    latest = dict.fromkeys(INPUTS, UNKNOWN)
    idle: set[str] = set()
    common = UNKNOWN
    for name, watermark_ms in reports:
        if watermark_ms is None:
            idle.add(name)
        else:
            latest[name] = max(latest[name], watermark_ms)
            if wakes:
                idle.discard(name)
        active = [latest[name] for name in INPUTS if name not in idle]
        now = pick(active) if active else max(latest.values())
        common = now if back else max(common, now)
    return common


def _spoke(reports: Reports) -> int:
    """Return the smallest of the inputs that have spoken."""
    return _played(reports, lambda ws: min([w for w in ws if w > UNKNOWN], default=UNKNOWN))


def _idle_holds(reports: Reports) -> int:
    return _played([report for report in reports if report[1] is not None], min)


WRONG: Final[dict[str, Callable[[Reports], int]]] = {
    "takes the largest": lambda reports: _played(reports, max),
    "keeps idle inputs in": _idle_holds,
    "goes back": lambda reports: _played(reports, min, back=True),
    "never wakes an idle input": lambda reports: _played(reports, min, wakes=False),
    "forgets who has not spoken": _spoke,
}
"""The wrong mergers, by what is wrong with them."""


def _well_formed(test: Json) -> bool:
    return (
        isinstance(test, list)
        and len(test) == 2
        and isinstance(test[0], list)
        and all(_is_report(report) for report in test[0])
        and _is_time(test[1])
    )


def _is_report(report: Json) -> bool:
    return (
        isinstance(report, list)
        and len(report) == 2
        and report[0] in INPUTS
        and _is_time(report[1])
    )


def _is_time(value: Json) -> bool:
    return value is None or is_whole(value)


def _told(merger: Callable[[Reports], int]) -> Callable[[Reports], int | None]:
    """Return a merger that says None where no watermark is known."""

    def told(reports: Reports) -> int | None:
        watermark_ms = merger(reports)
        return None if watermark_ms == UNKNOWN else watermark_ms

    return told


LINEUP: Final = Lineup(
    noun="merger",
    right=_told(right),
    wrong={name: _told(merger) for name, merger in WRONG.items()},
    well_formed=_well_formed,
    form=(
        'a test is a list [reports, expected]; a report is ["a", 5] or ["b", None], and expected '
        "is a number or None"
    ),
)


def reference() -> list[Json]:
    """Return three orders that catch all five."""
    return [
        [[["a", 9]], None],
        [[["a", 9], ["b", None], ["b", 3]], 9],
        [[["a", 1], ["b", 2], ["b", None], ["a", 5], ["b", 6], ["a", 8]], 6],
    ]


def both_at_once() -> list[Json]:
    """Let both inputs say the same."""
    return [[[["a", 5], ["b", 5]], 5]]


def no_silence() -> list[Json]:
    """Never leave one input out."""
    return [[[["a", 9], ["b", 3]], 3], [[["a", 9]], None]]


def without_waking() -> list[Json]:
    """Let an input fall idle, and never wake it."""
    return [[[["a", 9], ["b", 3]], 3], [[["a", 9]], None], [[["a", 9], ["b", None]], 9]]


def without_unseen() -> list[Json]:
    """Let every input speak first."""
    return [
        [[["b", 3], ["a", 9]], 3],
        [[["b", 3], ["a", 9], ["b", None], ["b", 4]], 9],
        [[["a", 1], ["b", 2], ["b", None], ["a", 5], ["b", 6], ["a", 8]], 6],
    ]


def stops_at_waking() -> list[Json]:
    """Wake an input behind the watermark, and look no further."""
    return [[[["a", 9]], None], [[["a", 9], ["b", None], ["b", 3]], 9]]


def own_error() -> list[Json]:
    """Expect the watermark to go back."""
    return [[[["a", 9]], None], [[["a", 9], ["b", None], ["b", 3]], 3]]


EXERCISE = Exercise(
    id="L06.7",
    name="my_orders",
    kind="write tests",
    minutes=15,
    task="Write orders of reports that the right merger passes and five wrong ones do not.",
    reference=reference,
    cases=((),),
    hidden="orders that the right merger passes and each of the five wrong ones fails",
    fingerprint=LINEUP.first_problem,
    trace=LINEUP.trace,
    rule="A merger has a memory, so that it is the order of reports that tells mergers apart.",
    next_step="After which reports would the merger named above say something else?",
    hints=(
        "Which of the three laws does each wrong merger break?",
        "Which of your orders has an input that falls idle, and which one that wakes?",
        "What do the five say after: a 9, b idle, b 3, and after more of b?",
    ),
    discussion=(
        "Three orders are enough, and random reports find most of the five within a few dozen. "
        "What they find less often is the waking, which needs three reports in the right order. Go "
        "further: which order catches a merger that marks the wrong input idle?"
    ),
    misconceptions=(
        *IN_EVERY_LINEUP,
        Misconception(
            name="never-apart",
            answer=both_at_once,
            rule="Only an order that leaves one input behind tells the smallest from the largest.",
            next_step="In which of your orders do both inputs speak, and one of them less far?",
        ),
        Misconception(
            name="no-silence",
            answer=no_silence,
            rule="Idleness shows only where the input that falls idle is the one that is behind.",
            next_step="Which of your orders lets the input that is behind report None?",
        ),
        Misconception(
            name="no-waking",
            answer=without_waking,
            rule="Whether a watermark goes back shows only when an idle input wakes behind it.",
            next_step="What does the idle input in your order say next?",
        ),
        Misconception(
            name="everybody-speaks-first",
            answer=without_unseen,
            rule="An input that has not spoken is the most common reason for no output: test it.",
            next_step="Which of your orders expects None?",
        ),
        Misconception(
            name="stops-at-waking",
            answer=stops_at_waking,
            rule="A woken input counts again: later the watermark has to wait for it.",
            next_step="After the waking, what if the other input goes far ahead?",
        ),
        Misconception(
            name="wrong-expectation",
            answer=own_error,
            rule="The right merger has to pass all tests. Where it fails one, the test is wrong.",
            next_step="Follow the reports of that test by hand: where does it end?",
        ),
    ),
)
