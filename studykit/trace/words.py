"""Words for what a trace shows: times, windows, counts, and a sentence for every step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flink_jobs.utils.watermarks import MAX_WATERMARK, MIN_WATERMARK
from studykit.trace.steps import VERDICTS, Change, Step, Trace
from studykit.trace.steps import span as span  # noqa: PLC0414 - figures ask for it here
from studykit.trace.view import View, WindowView, view

_TOLD: Final = 4
"""Largest number of windows whose results one sentence has."""


def seconds(time_ms: int) -> str:
    """Return a time in seconds, exact to the millisecond; the ends of time have signs of their own.

    >>> seconds(12_999), seconds(3_000), seconds(MIN_WATERMARK)
    ('12.999 s', '3 s', '-∞')
    """
    if time_ms <= MIN_WATERMARK:
        return "-∞"
    if time_ms >= MAX_WATERMARK:
        return "+∞"
    whole, rest = divmod(abs(time_ms), 1_000)
    sign = "-" if time_ms < 0 else ""
    return f"{sign}{whole}{f'.{rest:03d}'.rstrip('0') if rest else ''} s"


def count_of(number: int, noun: str) -> str:
    """Return a number and its noun.

    >>> count_of(1, "window"), count_of(3, "window")
    ('1 window', '3 windows')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def verdicts(shown: View) -> str:
    """Return how many events met each verdict, in words, as in `8 on time, 1 dropped`.

    The events that are behind the watermark and still on time are counted among those on time.
    """
    counts = shown.counts()
    behind = sum(arrival.behind and arrival.verdict == "on time" for arrival in shown.seen)
    words = [f"{counts['on time']} on time"]
    if behind:
        words[0] += f" ({behind} behind the watermark, window open)"
    words += [f"{counts[bad]} {bad}" for bad in VERDICTS[1:] if counts[bad]]
    return ", ".join(words)


def firings(window: WindowView, *, keyed: bool) -> str:
    """Return the results of a window so far, as in `[0,10) fired 21, re-fired 22`.

    Args:
        window: A window that has fired.
        keyed: Whether the key stands before the window.
    """
    name = f"{window.key} {window.name}" if keyed else window.name
    words = [
        f"{'re-fired' if result.revision else 'fired'} {result.total}" for result in window.results
    ]
    return f"{name} {', '.join(words)}"


def step_sentence(trace: Trace, step: int) -> str:
    """Return sentences on what step number `step` did, and why; step 0 is before all."""
    if step == 0:
        return "Nothing has arrived yet."
    last = trace.steps[step - 1]
    parts = [_headline(trace, last), *_changes(trace, last.changes)]
    return " ".join(f"{part}." for part in parts if part)


def _headline(trace: Trace, step: Step) -> str:
    now = f"At {seconds(step.now_ms)}"
    if step.kind == "arrival":
        return _arrival(step)
    if step.kind == "idle":
        return f"{now} input {step.source} has been silent for too long and is left out"
    if step.kind == "end":
        return "The stream ends: nothing more will come, so the watermark is +∞"
    many = len(trace.sources) > 1
    who = f"{now} the watermark of {step.source} is {seconds(step.source_ms)}" if many else now
    if step.watermark_ms == step.before_ms:
        return f"{who}; the common watermark stays at {seconds(step.watermark_ms)}"
    moved = f"the {'common ' if many else ''}watermark moves to {seconds(step.watermark_ms)}"
    return f"{who}; {moved}" if many else f"{now} {moved}"


def _arrival(step: Step) -> str:
    event = step.event
    assert event is not None
    told = (
        f"Event #{step.number} happened at {seconds(event.event_ms)}"
        f" and arrives at {seconds(event.arrival_ms)}"
    )
    watermark = seconds(step.before_ms)
    reasons = {
        "on time": f"behind the watermark {watermark}, but its window is open: on time"
        if step.behind
        else "on time",
        "corrected": f"its window has fired (watermark {watermark}) but still takes it: corrected",
        "partly late": f"it misses {count_of(len(step.missed), 'window')} (watermark {watermark})"
        " and enters the others: partly late",
        "dropped": f"its window is purged (watermark {watermark}): dropped",
    }
    assert step.verdict is not None
    return f"{told}; {reasons[step.verdict]}"


def _changes(trace: Trace, changes: Iterable[Change]) -> list[str]:
    """Say what happened to windows; that a window opened follows from the event's own sentence."""
    words = []
    for change in changes:
        name = span(change.start_ms, change.end_ms)
        name = f"{change.key} {name}" if trace.policy.keyed else name
        if change.kind in ("fired", "re-fired"):
            words.append(f"{name} {'fires' if change.revision == 0 else 're-fires'} {change.total}")
        elif change.kind == "purged":
            words.append(f"{name} is purged")
        elif len(change.parts) > 1:
            words.append(f"{len(change.parts)} sessions become {name}")
    return words


def _last_fired(window: WindowView) -> int:
    return window.results[-1].now_ms


def state_sentence(trace: Trace, step: int) -> str:
    """Return sentences on where the whole stream stands after `step` steps.

    They name the watermark, the count of each verdict, and the results of the windows that fired
    last; a picture of that step has them as its text for those who do not see it.
    """
    shown = view(trace, step)
    if step == 0:
        return "Nothing has arrived yet."
    fired = sorted((window for window in shown.windows if window.results), key=_last_fired)
    said = [
        f"At {seconds(shown.now_ms)} the watermark is {seconds(shown.watermark_ms)}",
        verdicts(shown),
        *([f"{len(fired)} windows have fired; the last of them"] if len(fired) > _TOLD else []),
        *(firings(window, keyed=trace.policy.keyed) for window in fired[-_TOLD:]),
    ]
    return " ".join(f"{part}." for part in said).replace("them.", "them:")
