"""L05.4: the dead letter of an event."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab05_lateness.e3_missed_windows import random_case as random_missed
from studykit.exercises.lab05_lateness.e3_missed_windows import reference as missed_windows
from studykit.exercises.lab05_lateness.e3_missed_windows import scene as scene_of_missed
from studykit.exercises.scene import Scene
from studykit.exercises.wording import short


def reference(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int
) -> dict[str, Json] | None:
    """Return the letter, or None where no window missed the event."""
    missed = missed_windows(event_ms, watermark_ms, size_ms, slide_ms, 0)
    if not missed:
        return None
    reason = "late" if len(missed) == size_ms // slide_ms else "partial_late"
    return {"reason": reason, "late_by_ms": watermark_ms - event_ms, "missed_windows": missed}


def always_late(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int
) -> dict[str, Json] | None:
    """Call every loss late."""
    last = event_ms // slide_ms * slide_ms
    starts = range(last - size_ms + slide_ms, last + 1, slide_ms)
    missed = [start for start in starts if start + size_ms - 1 <= watermark_ms]
    if not missed:
        return None
    return {"reason": "late", "late_by_ms": watermark_ms - event_ms, "missed_windows": missed}


def silent_loss(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int
) -> dict[str, Json] | None:
    """Write a letter only where everything is lost."""
    last = event_ms // slide_ms * slide_ms
    starts = range(last - size_ms + slide_ms, last + 1, slide_ms)
    missed = [start for start in starts if start + size_ms - 1 <= watermark_ms]
    if len(missed) < len(starts):
        return None
    return {"reason": "late", "late_by_ms": watermark_ms - event_ms, "missed_windows": missed}


def behind_is_late(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int
) -> dict[str, Json] | None:
    """Write a letter for every event behind the watermark."""
    last = event_ms // slide_ms * slide_ms
    starts = range(last - size_ms + slide_ms, last + 1, slide_ms)
    missed = [start for start in starts if start + size_ms - 1 <= watermark_ms]
    if event_ms > watermark_ms:
        return None
    reason = "late" if len(missed) == len(starts) else "partial_late"
    return {"reason": reason, "late_by_ms": watermark_ms - event_ms, "missed_windows": missed}


def by_window_end(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int
) -> dict[str, Json] | None:
    """Measure the delay from the end of the first missed window."""
    last = event_ms // slide_ms * slide_ms
    starts = range(last - size_ms + slide_ms, last + 1, slide_ms)
    missed = [start for start in starts if start + size_ms - 1 <= watermark_ms]
    if not missed:
        return None
    reason = "late" if len(missed) == len(starts) else "partial_late"
    late_by = watermark_ms - (missed[0] + size_ms - 1)
    return {"reason": reason, "late_by_ms": late_by, "missed_windows": missed}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say how many of its windows missed the event, and which field differs."""
    event_ms, watermark_ms, size_ms, slide_ms = args
    missed = missed_windows(event_ms, watermark_ms, size_ms, slide_ms, 0)
    head = f"{len(missed)} of {size_ms // slide_ms} windows missed the event: {short(missed)}"
    if got is None or expected is None:
        return f"{head}; you write {'no letter' if got is None else 'a letter'}"
    wrong = [name for name in sorted(expected) if got.get(name, ...) != expected[name]]
    field = f"your fields are {', '.join(sorted(got))}"
    if wrong:
        mine, right = short(got.get(wrong[0])), short(expected[wrong[0]])
        field = f"{wrong[0]!r} is {mine} instead of {right}"
    behind = f"the event is {short(watermark_ms - event_ms)} ms behind W={short(watermark_ms)}"
    return f"{head}; {behind}\n{field}"


def scene(args: Args, _got: Json, _expected: Json) -> Scene | None:
    """Show the windows of the event when it arrives."""
    return scene_of_missed((*args, 0), None, None)


def random_case(rng: Random) -> Args:
    """Draw an event and a watermark near the end of one of its windows."""
    event_ms, watermark_ms, size_ms, slide_ms, _ = random_missed(rng)
    return event_ms, watermark_ms, size_ms, slide_ms


EXERCISE = Exercise(
    id="L05.4",
    name="dead_letter",
    kind="independent",
    minutes=12,
    task="Write the dead letter of an event that missed windows; None if it missed none.",
    reference=reference,
    cases=(
        (12_000, 9_000, 10_000, 5_000),
        (7_000, 8_000, 10_000, 5_000),
        (7_000, 9_999, 10_000, 5_000),
        (7_000, 14_999, 10_000, 5_000),
        (7_000, 40_000, 10_000, 10_000),
        (7_000, 9_998, 10_000, 5_000),
        (-1, 3_999, 12_000, 4_000),
        (0, 0, 1, 1),
    ),
    equivalent=dict.fromkeys(
        (
            "reason = 'late' if len(missed) == size_ms / slide_ms else 'partial_late'",
            "reason = 'late' if len(missed) == int(size_ms / slide_ms) // 1 else 'partial_late'",
        ),
        "The slide divides the size: the float is whole, and equal.",
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="What a window misses is never lost in silence: one letter, and it says which windows.",
    next_step="How many windows missed the event: none, some or all? Each has its own answer.",
    hints=(
        "For which events is there nothing to write about?",
        "How do you tell, from the missed windows alone, `late` from `partial_late`?",
        "From which two times is late_by_ms, and do they depend on a window?",
    ),
    discussion=(
        "Counting what was dropped is cheaper than a letter, and a week later nobody can repair "
        "anything with a count. With the letters the missed windows can be computed again. Go "
        "further: an event with a `partial_late` letter was also counted. What does that mean for "
        "consumed = accepted + late?"
    ),
    misconceptions=(
        Misconception(
            name="always-late",
            answer=always_late,
            rule="An event is `late` if all of its windows missed it, `partial_late` if only some "
            "did.",
            next_step="How many windows has the event in all, and how many missed it?",
        ),
        Misconception(
            name="silent-loss",
            answer=silent_loss,
            rule="A window that missed an event has an incomplete result, and somebody has to "
            "know.",
            next_step="What becomes of an event that misses one of its two windows?",
        ),
        Misconception(
            name="letter-for-what-is-behind",
            answer=behind_is_late,
            rule="An event behind the watermark is not lost as long as its windows take it.",
            next_step="Which list decides whether there is a letter at all?",
        ),
        Misconception(
            name="measured-from-the-window",
            answer=by_window_end,
            rule="late_by_ms says how far the event is behind the watermark, whatever the windows.",
            next_step="Which two times do you subtract?",
        ),
    ),
)
