"""L07.3: the dead-man timer."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, stretches
from studykit.exercises.wording import short


def reference(times: list[int], silence_ms: int, watermark_ms: int) -> list[int]:
    """Return when a silence is complete: a time after an event, with no event in between."""
    ends = {time_ms + silence_ms for time_ms in times}
    return sorted(
        end_ms
        for end_ms in ends
        if end_ms <= watermark_ms
        and not any(end_ms - silence_ms < time_ms <= end_ms for time_ms in times)
    )


def timer_per_event(times: list[int], silence_ms: int, watermark_ms: int) -> list[int]:
    """Let every timer tell a silence."""
    return sorted({time + silence_ms for time in times if time + silence_ms <= watermark_ms})


def last_event_only(times: list[int], silence_ms: int, watermark_ms: int) -> list[int]:
    """Keep the newest time only: each event overwrites the silence before it."""
    newest = max(times, default=None)
    return [] if newest is None or newest + silence_ms > watermark_ms else [newest + silence_ms]


def by_arrival(times: list[int], silence_ms: int, watermark_ms: int) -> list[int]:
    """Compare each event with the next one that arrives."""
    found = []
    for place, time in enumerate(times):
        last = place + 1 == len(times)
        if time + silence_ms <= watermark_ms and (last or times[place + 1] > time + silence_ms):
            found.append(time + silence_ms)
    return sorted(set(found))


def before_the_watermark(times: list[int], silence_ms: int, watermark_ms: int) -> list[int]:
    """Tell a silence before it is certain."""
    ends = {time + silence_ms for time in times}
    return sorted(end for end in ends if not any(end - silence_ms < time <= end for time in times))


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first silence that is missing or too many."""
    times, silence_ms, watermark_ms = args
    wrong = sorted(set(got) ^ set(expected)) or [0]
    end_ms = wrong[0]
    between = [time_ms for time_ms in sorted(times) if end_ms - silence_ms < time_ms <= end_ms]
    seen = f"events {', '.join(map(short, between))}" if between else "no event"
    return (
        f"at {short(end_ms)}, with W={short(watermark_ms)}: {seen} in the {short(silence_ms)} ms "
        f"before; you say {'silent' if end_ms in got else 'nothing'}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the events, and below them the silences that are complete."""
    times, silence_ms, _ = args
    return stretches(
        times,
        [[end_ms - silence_ms, end_ms] for end_ms in expected],
        [[end_ms - silence_ms, end_ms] for end_ms in got],
        "A span is a silence, and ends at the time that you return.",
    )


def random_case(rng: Random) -> Args:
    """Draw up to six events, many exactly one silence apart, in any order."""
    silence_ms = rng.choice([1_000, 5_000])
    steps = [silence_ms - 1, silence_ms, silence_ms + 1, 300]
    times, now_ms = [], rng.choice([-3_000, 0])
    for _ in range(rng.randrange(7)):
        now_ms += rng.choice(steps)
        times.append(now_ms)
    rng.shuffle(times)
    return times, silence_ms, now_ms + rng.choice([-1, 0, silence_ms - 1, silence_ms, 9_000])


EXERCISE = Exercise(
    id="L07.3",
    name="silences",
    kind="independent",
    minutes=12,
    task="Return the times at which a key has been silent for silence_ms, as the watermark knows.",
    reference=reference,
    cases=(
        ([0], 5_000, 10_000),
        ([0, 60_000, 120_000], 5_000, 124_999),
        ([0, 4_000], 5_000, 20_000),
        ([0, 5_000], 5_000, 20_000),
        ([0, 5_001], 5_000, 20_000),
        ([4_000, 0, 12_000], 5_000, 17_000),
        ([0], 5_000, 5_000),
        ([0], 5_000, 4_999),
        ([-9_000, -9_000], 1_000, 0),
        ([], 5_000, 10_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="Silent at T: an event at T - silence_ms, none in (T - silence_ms, T], and W >= T.",
    next_step="Which event set the timer at this time, and which other event lies before it?",
    hints=(
        "When can you be certain that nobody spoke for five seconds?",
        "Which events make the timer of another event worthless?",
        "An event exactly at T: is the key silent at T?",
    ),
    discussion=(
        "One timer for each key is cheaper than one for each event: when it fires and the key has "
        "spoken since, set it anew. But an old event may come in between two others, so the times "
        "themselves have to be kept until the watermark has passed. Go further: which of them?"
    ),
    misconceptions=(
        Misconception(
            name="timer-per-event",
            answer=timer_per_event,
            rule="A timer asks; whether it tells is decided by what came after its event.",
            next_step="Which event came after the one that set this timer?",
        ),
        Misconception(
            name="newest-only",
            answer=last_event_only,
            rule="A later event does not undo a silence that was complete before it.",
            next_step="Which silences lie between two of the events?",
        ),
        Misconception(
            name="by-arrival",
            answer=by_arrival,
            rule="The next event in event time ends a silence, not the next that arrives.",
            next_step="Which event follows this one when you sort them by time?",
        ),
        Misconception(
            name="before-it-is-certain",
            answer=before_the_watermark,
            rule="Until the watermark has reached T an event before T may still come.",
            next_step="How far has the watermark come?",
        ),
    ),
)
