"""L09.5: a sample that a replay draws again."""

from __future__ import annotations

from random import Random
from zlib import crc32

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(names: list[str], offset: int, every: int, now_ms: int) -> list[str]:
    """Return the names of the second run whose own code says that they are in the sample."""
    return [name for name in names[offset:] if not crc32(name.encode("utf-8")) % every]


def seeded_again(names: list[str], offset: int, every: int, now_ms: int) -> list[str]:
    """Draw with a seed, which begins anew with the restart."""
    from random import Random as Draw  # noqa: PLC0415 - a learner's lab does not have it

    draw = Draw(7)
    return [name for name in names[offset:] if draw.randrange(every) == 0]


def every_nth(names: list[str], offset: int, every: int, now_ms: int) -> list[str]:
    """Take each nth name since the restart."""
    return names[offset:][::every]


def by_offset(names: list[str], offset: int, every: int, now_ms: int) -> list[str]:
    """Take each nth name of the log."""
    return [name for at, name in enumerate(names) if at >= offset and at % every == 0]


def whole_log(names: list[str], offset: int, every: int, now_ms: int) -> list[str]:
    """Take the sample of the whole log, though only the rest is read."""
    return [name for name in names if crc32(name.encode()) % every == 0]


def wall_clock(names: list[str], offset: int, every: int, now_ms: int) -> list[str]:
    """Take what is read in a millisecond that can be divided."""
    return [name for at, name in enumerate(names[offset:]) if (now_ms + at) % every == 0]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first payment on which the second run decides otherwise than the first."""
    names, offset, every, _ = args
    for at, name in enumerate(names[offset:], start=offset):
        if (name in got) != (name in expected):
            code = crc32(name.encode())
            verb = "takes it" if name in got else "leaves it out"
            return (
                f"{name!r} at offset {at}: {code:_} % {every} is {code % every}; your second run "
                f"{verb}"
            )
    before = [name for name in got if name in names[:offset]]
    told = f", among them {short(before[0])}" if before else ""
    return f"of {len(names) - offset} names read you return {len(got)}{told}"


def random_case(rng: Random) -> Args:
    """Draw up to twelve names, some of them twice, an offset among them, and a share."""
    names = [f"pay_{number}" for number in rng.choices(range(30), k=rng.randrange(13))]
    offset = rng.randrange(len(names) + 1)
    return names, offset, rng.choice([1, 2, 3, 4]), rng.randrange(1_000)


EXERCISE = Exercise(
    id="L09.5",
    name="sampled",
    kind="independent",
    minutes=10,
    task="Return the payments of the second run that are in the sample, as the first run chose.",
    reference=reference,
    cases=(
        (["pay_1", "pay_2", "pay_3", "pay_4", "pay_5", "pay_6", "pay_7", "pay_8"], 0, 2, 0),
        (["pay_1", "pay_2", "pay_3", "pay_4", "pay_5", "pay_6", "pay_7", "pay_8"], 3, 2, 3),
        ([f"card {n}" for n in range(20)], 5, 3, 501),
        ([f"pay_{n}" for n in range(40, 60)], 7, 4, 78),
        (["Zürich 1", "Zürich 2", "Zürich 3", "Zürich 4"], 1, 2, 20),
        (["a", "b", "c"], 1, 1, 0),
        (["a", "b", "b", "a"], 1, 1, 0),
        (["a"], 1, 2, 5),
        ([], 0, 2, 9),
    ),
    random_case=random_case,
    trace=trace,
    rule="What decides about an event must be in the event, or in the state that comes back.",
    next_step="What does your choice depend on, besides the name itself?",
    hints=(
        "What does the second run know of the first one's draws?",
        "What about a payment is the same in both runs, wherever they begin?",
        "`crc32` gives a text the same number everywhere. Which of these numbers are every nth?",
    ),
    equivalent={
        "now_ms = 0": "the clock on the wall decides nothing",
        "now_ms = 3": "the clock on the wall decides nothing",
        "now_ms = 501": "the clock on the wall decides nothing",
        "now_ms = 78": "the clock on the wall decides nothing",
        "now_ms = 20": "the clock on the wall decides nothing",
        "now_ms = 5": "the clock on the wall decides nothing",
        "now_ms = 9": "the clock on the wall decides nothing",
    },
    discussion=(
        "The same rule holds for ids (made from topic, partition and offset, not drawn), for the "
        "hour of the day (of the event, not of the wall) and for the split of an experiment. Go "
        "further: two samples of one payment in ten, for two purposes, are the same payments. How "
        "do you make them independent, and still the same in a replay?"
    ),
    misconceptions=(
        Misconception(
            name="reuses-random",
            answer=seeded_again,
            rule="A seed gives the same numbers from its beginning; the restart begins elsewhere.",
            next_step="Which draw did this payment get in the first run, and which now?",
        ),
        Misconception(
            name="counts-since-the-restart",
            answer=every_nth,
            rule="A count that is in no state begins again with every restart.",
            next_step="Which number had this payment in the first run?",
        ),
        Misconception(
            name="every-nth-of-the-log",
            answer=by_offset,
            rule="The sample belongs to the payment: its place differs from log to log.",
            next_step="What is asked for: every nth place, or the code of the name?",
        ),
        Misconception(
            name="reads-it-all-again",
            answer=whole_log,
            rule=(
                "The second run reads from the "  # no claim: ours
                "checkpoint's offset on, and tells no more."
            ),
            next_step="Which of the names that you return are before the offset?",
        ),
        Misconception(
            name="wall-clock",
            answer=wall_clock,
            rule="The clock on the wall is in no log: the second run reads at another time.",
            next_step="At which time did the first run read this payment?",
        ),
    ),
)
