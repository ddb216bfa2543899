"""L07.6: what a keyed function asks of the engine, for one message or one timer of a key.

The function decides and keeps nothing itself. So the same answer can be asked here, for every
situation of a key, and can decide for a real Flink in the notebook: see
`studykit.flink.keyed_filter`. A mark needs the first only.
"""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

Kept = int | None
"""The time that the engine keeps of a key, in ms; `None` for nothing."""


def reference(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Return the steps: a message that passes is kept until its own timer comes."""
    if kind == "timer":
        return [["clear"]] if kept_ms is not None and time_ms - kept_ms >= ttl_ms else []
    if kept_ms is not None and time_ms - kept_ms < ttl_ms:
        return []
    return [["tell"], ["keep", time_ms], ["timer", time_ms + ttl_ms]]


def instance_dict(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Leave it to an attribute of the function to remember: nothing is kept by the engine."""
    if kind == "timer" or (kept_ms is not None and time_ms - kept_ms < ttl_ms):
        return []
    return [["tell"]]


def never_frees(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Keep what passes, and set no timer."""
    if kind == "timer" or (kept_ms is not None and time_ms - kept_ms < ttl_ms):
        return []
    return [["tell"], ["keep", time_ms]]


def clears_what_is_newer(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Clear at every timer, whichever message has set it."""
    if kind == "timer":
        return [["clear"]]
    if kept_ms is not None and time_ms - kept_ms < ttl_ms:
        return []
    return [["tell"], ["keep", time_ms], ["timer", time_ms + ttl_ms]]


def refreshes_on_read(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Let a repetition begin the time anew."""
    if kind == "timer":
        return [["clear"]] if kept_ms is not None and time_ms - kept_ms >= ttl_ms else []
    anew: list[list[Json]] = [["keep", time_ms], ["timer", time_ms + ttl_ms]]
    if kept_ms is not None and time_ms - kept_ms < ttl_ms:
        return anew
    return [["tell"], *anew]


def timer_after_a_span(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Give a timer the span instead of the moment."""
    if kept_ms is not None and time_ms - kept_ms < ttl_ms:
        return []
    if kind == "timer":
        return [["clear"]]
    return [["tell"], ["keep", time_ms], ["timer", ttl_ms]]


def one_too_late(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Stop a message that comes exactly one time to live later."""
    if kind == "timer":
        return [["clear"]] if kept_ms is not None and time_ms - kept_ms >= ttl_ms else []
    if kept_ms is not None and time_ms - kept_ms <= ttl_ms:
        return []
    return [["tell"], ["keep", time_ms], ["timer", time_ms + ttl_ms]]


def tells_at_the_timer(kept_ms: Kept, kind: str, time_ms: int, ttl_ms: int) -> list[list[Json]]:
    """Take a timer for one more message."""
    if kept_ms is not None and time_ms - kept_ms < ttl_ms:
        return []
    return [["tell"], ["keep", time_ms], ["timer", time_ms + ttl_ms]]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first step that differs, and say what becomes of the key then."""
    kept_ms, kind, time_ms, ttl_ms = args
    kept = "nothing is kept" if kept_ms is None else f"{short(kept_ms)} is kept"
    index = first_difference(got, expected)
    known = f"{kept}, a {kind} comes at {short(time_ms)}, and the time to live is {short(ttl_ms)}"
    mine, right = item(got, index), item(expected, index)
    return f"{known}\nstep {index + 1}: {mine} instead of {right}: {_end(args, got, expected)}"


def _end(args: Args, got: Json, expected: Json) -> str:
    kept_ms, kind, time_ms, ttl_ms = args
    asked = [step[0] for step in got]
    if expected == []:
        if kind == "timer":
            return f"the message that set this timer came at {short(time_ms - ttl_ms)}"
        return f"that is {short(time_ms - kept_ms)} after the message that is kept"
    if kind == "timer":
        return "no other timer comes for what is kept"
    if "keep" in expected[min(len(got), 1)] and "keep" not in asked:
        return "the next message of this key finds nothing kept"
    if "timer" not in asked:
        return "if this key never comes again, it is kept for ever"
    return "the next message of this key, and its timer, go by what you ask for here"


def random_case(rng: Random) -> Args:
    """Draw a situation that a key can be in, often a millisecond before or at the edge."""
    ttl_ms = rng.choice([1_000, 60_000])
    kept_ms = rng.choice([-ttl_ms, 0, rng.randrange(-5_000, 90_000)])
    if rng.random() < 0.3:
        return kept_ms, "timer", kept_ms + ttl_ms - rng.choice([0, 0, 1, ttl_ms // 2]), ttl_ms
    if rng.random() < 0.25:
        return None, "message", kept_ms, ttl_ms
    later_ms = rng.choice([-1_000, 0, 1, ttl_ms - 1, ttl_ms, ttl_ms + 1, 3 * ttl_ms])
    return kept_ms, "message", kept_ms + later_ms, ttl_ms


EXERCISE = Exercise(
    id="L07.6",
    name="next_steps",
    kind="independent",
    minutes=15,
    task="Say what a keyed filter asks of the engine, for a message or for a timer of a key.",
    reference=reference,
    cases=(
        (None, "message", 5_000, 60_000),
        (5_000, "message", 6_000, 60_000),
        (5_000, "message", 64_999, 60_000),
        (5_000, "message", 65_000, 60_000),
        (5_000, "message", 90_000, 60_000),
        (5_000, "message", 3_000, 60_000),
        (0, "message", 500, 1_000),
        (-1_000, "message", 0, 1_000),
        (None, "message", 0, 1_000),
        (5_000, "timer", 65_000, 60_000),
        (0, "timer", 1_000, 1_000),
        (66_000, "timer", 65_000, 60_000),
        (5_001, "timer", 65_000, 60_000),
        (-1_000, "timer", 0, 1_000),
    ),
    random_case=random_case,
    trace=trace,
    rule=(
        "What passes is kept in the engine's state until its own timer comes, and a timer clears "
        "nothing that is newer than the message that has set it."
    ),
    next_step="Which message has set the timer that comes, and is it the one that is kept?",
    hints=(
        "Which three things does the engine have to do when a message passes?",
        "A message may pass before the timer of the one before has come: whose time is kept then?",
        "At a timer: when came the message that has set it, and what is kept now?",
    ),
    discussion=(
        "The engine keeps the number for each key, saves it in checkpoints and brings it back. "
        "An attribute is shared by all keys, "  # claim: flink-attribute-is-shared-by-keys
        "a restart empties it, and no timer frees it. Go further: "
        "Flink can let state expire by itself, "  # claim: flink-state-ttl-is-processing-time
        "by the clock on the wall. What would a replay of a day in ten minutes make of that?"
    ),
    second="""
def next_steps(kept_ms: int | None, kind: str, time_ms: int, ttl_ms: int) -> list[list]:
    is_over = kept_ms is None or time_ms >= kept_ms + ttl_ms  # one question for both kinds
    if not is_over:
        return []
    if kind == "timer":
        return [["clear"]]
    return [["tell"], ["keep", time_ms], ["timer", time_ms + ttl_ms]]
""",
    misconceptions=(
        Misconception(
            name="instance-dict",
            answer=instance_dict,
            rule="Only what the engine keeps belongs to one key, survives a restart, and is freed.",
            next_step="What does the next message of this key find, after a restart?",
        ),
        Misconception(
            name="never-frees",
            answer=never_frees,
            rule="A key that never comes again is freed by a timer, or by nobody.",
            next_step="Who calls your function again, if this key never comes again?",
        ),
        Misconception(
            name="clears-what-is-newer",
            answer=clears_what_is_newer,
            rule="A timer speaks for the message that has set it: what is newer stays.",
            next_step="When did the message that set this timer come, and what is kept now?",
        ),
        Misconception(
            name="refreshes-on-read",
            answer=refreshes_on_read,
            rule="A repetition that is stopped changes nothing: the time runs from what passed.",
            next_step="Which message does the time to live run from?",
        ),
        Misconception(
            name="span-for-moment",
            answer=timer_after_a_span,
            rule="A timer is set for a moment in event time, not for a span from now on.",
            next_step="At which moment may this message be forgotten?",
        ),
        Misconception(
            name="one-too-late",
            answer=one_too_late,
            rule="Exactly one time to live later a message passes again.",
            next_step="How long after the message that is kept does this one come?",
        ),
        Misconception(
            name="timer-for-message",
            answer=tells_at_the_timer,
            rule="A timer is no message: nothing passes when it comes.",
            next_step="Has anything come for this key, or is it only that time has passed?",
        ),
    ),
)
