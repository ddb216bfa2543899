"""L09.4: the watermark after a restart."""

from __future__ import annotations

from random import Random

from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy


def reference(times_ms: list[int], offset: int, killed: int, bound_ms: int) -> list[int]:
    """Return the watermark after each event of the second run, by the engine's own clock."""
    clock = BoundedOutOfOrderness(bound_ms)
    after = []
    for time_ms in times_ms:
        clock.observe(time_ms)
        after.append(clock.watermark_ms)
    return after[offset:]


def without(times_ms: list[int], offset: int, killed: int, bound_ms: int) -> list[int]:
    """Begin the second run without a watermark."""
    rest = times_ms[offset:]
    return [max(rest[: n + 1]) - bound_ms - 1 for n in range(len(rest))]


def of_the_kill(times_ms: list[int], offset: int, killed: int, bound_ms: int) -> list[int]:
    """Take the watermark that the job had when it was killed."""
    return [
        max([*times_ms[:killed], *times_ms[offset : n + 1]]) - bound_ms - 1
        for n in range(offset, len(times_ms))
    ]


def of_the_last(times_ms: list[int], offset: int, killed: int, bound_ms: int) -> list[int]:
    """Take the last event before the checkpoint for the newest."""
    start = max(offset - 1, 0)
    return [max(times_ms[start : n + 1]) - bound_ms - 1 for n in range(offset, len(times_ms))]


def twice_the_bound(times_ms: list[int], offset: int, killed: int, bound_ms: int) -> list[int]:
    """Save the watermark, and subtract the bound from it once more."""
    seen = [max(times_ms[:offset]) - bound_ms - 1] if offset else []
    return [
        max([*seen, *times_ms[offset : n + 1]]) - bound_ms - 1 for n in range(offset, len(times_ms))
    ]


def goes_on(times_ms: list[int], offset: int, killed: int, bound_ms: int) -> list[int]:
    """Read on behind the kill, instead of behind the checkpoint."""
    return [max(times_ms[: n + 1]) - bound_ms - 1 for n in range(killed, len(times_ms))]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show what the checkpoint knows, and the first watermark that differs."""
    times_ms, offset, *_ = args
    index = first_difference(got, expected)
    if index >= len(expected):
        return (
            f"the second run reads {len(expected)} events, from offset {offset} on, and you return "
            f"{len(got)} watermarks"
        )
    before = ", ".join(short(time_ms) for time_ms in times_ms[:offset]) or "nothing"
    return (
        f"before the checkpoint came {before}; the second run begins at offset {offset}\n"
        # no claim: ours
        f"after {short(times_ms[offset + index])} you have {item(got, index)} instead of "
        f"{item(expected, index)}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the watermark through both runs, up to the event after which the results differ."""
    times_ms, offset, _, bound_ms = args
    number = offset + first_difference(got, expected) + 1
    if number > len(times_ms) or min(times_ms) < 0:
        return None
    whole = tuple(reference(times_ms, 0, 0, bound_ms))
    return Scene(
        figure="watermark_stepper",
        events=arriving(times_ms),
        policy=Policy(bound_ms=bound_ms),
        number=number,
        moment="followed",
        about=(
            "The checkpoint was made after "  # no claim: ours
            f"the first {offset} of these events."
        ),
        right_watermarks=whole,
        your_watermarks=(*whole[:offset], *(value + 0 for value in got)),
    )


def random_case(rng: Random) -> Args:
    """Draw a log with disorder, a checkpoint in it, and a kill at or after the checkpoint."""
    bound_ms = rng.choice([0, 1_000, 4_000])
    start = rng.choice([-6, 0])
    times = [(start + rng.randrange(20)) * 1_000 for _ in range(rng.randrange(8))]
    offset = rng.randrange(len(times) + 1)
    return times, offset, rng.randrange(offset, len(times) + 1), bound_ms


EXERCISE = Exercise(
    id="L09.4",
    name="second_run",
    kind="independent",
    minutes=12,
    task="Return the watermark after each event that a job reads after its restart.",
    reference=reference,
    cases=(
        ([10_000, 14_000, 9_000, 17_000], 2, 3, 4_000),
        ([14_000, 10_000, 9_000, 11_000], 2, 2, 4_000),
        ([2_000, 5_000, 20_000, 8_000], 1, 3, 4_000),
        ([2_000, 9_000, 3_000, 4_000], 3, 4, 0),
        ([7_000, 5_000, 12_000], 0, 2, 1_000),
        ([-8_000, -3_000, -5_000], 1, 2, 1_000),
        ([0, -1_000, -500], 1, 1, 0),
        ([5_000, 9_000], 2, 2, 4_000),
        ([], 0, 0, 4_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule=(
        "The second run begins with the "  # no claim: ours
        "watermark that belonged to the checkpoint's offset."
    ),
    next_step="What was the largest event time before the offset of the checkpoint?",
    hints=(
        "Which watermark had the job when the checkpoint was made?",
        "Which events does the second run not know, though the first one had read them?",
        "Which one number has to be in the checkpoint, besides the offset?",
    ),
    equivalent={
        "killed = 3": "what was read behind the checkpoint decides nothing",  # no claim: ours
        "killed = 2": "what was read behind the checkpoint decides nothing",  # no claim: ours
        "killed = 4": "what was read behind the checkpoint decides nothing",  # no claim: ours
        "killed = 1": "what was read behind the checkpoint decides nothing",  # no claim: ours
        "killed = 0": "what was read behind the checkpoint decides nothing",  # no claim: ours
    },
    discussion=(
        "Too low, and late events pass as on time: windows that were told open again. Too high, "
        "taken from the moment of the kill, and events are late that were on time. Either way the "
        "second run gives other answers than the first. Go further: which of your functions of "
        "lab 02 needs no more than this one number?"
    ),
    misconceptions=(
        Misconception(
            name="loses-the-watermark",
            answer=without,
            rule="Without its watermark a job takes late events for on time.",
            next_step="What would this event have met, if nobody had been killed?",
        ),
        Misconception(
            name="watermark-of-the-kill",
            answer=of_the_kill,
            rule=(
                "Events behind the checkpoint have not "  # no claim: ours
                "happened yet: they are read again."
            ),
            next_step="Which event gave you this watermark, and is it before the offset?",
        ),
        Misconception(
            name="last-for-newest",
            answer=of_the_last,
            rule=(
                "The last event before the checkpoint "  # no claim: ours
                "need not be the newest one."
            ),
            next_step="Which of the events before the offset has the largest time?",
        ),
        Misconception(
            name="bound-twice",
            answer=twice_the_bound,
            rule="A watermark has its bound subtracted already: not once more.",
            next_step="Is the number that you restore an event time or a watermark?",
        ),
        Misconception(
            name="reads-on-behind-the-kill",
            answer=goes_on,
            rule=(
                "The second run begins at the "  # no claim: ours
                "checkpoint's offset, wherever the first one was."
            ),
            next_step="Which events were counted since the checkpoint, and are in no state?",
        ),
    ),
)
