"""L06.1: the watermark of several inputs."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(watermarks: dict[str, Json], idle: list[str]) -> int | None:
    """Return the smallest watermark of the inputs that are not idle; all idle: the largest."""
    active = [watermarks[name] for name in watermarks if name not in idle]
    if not active:
        return max((w for w in watermarks.values() if w is not None), default=None)
    return None if None in active else min(w for w in active if w is not None)


def largest(watermarks: dict[str, Json], idle: list[str]) -> int | None:
    """Follow the input that is furthest."""
    active = [watermarks[name] for name in watermarks if name not in idle]
    known = [w for w in active or watermarks.values() if w is not None]
    return None if None in active else max(known, default=None)


def mean(watermarks: dict[str, Json], idle: list[str]) -> int | None:
    """Meet in the middle."""
    active = [watermarks[name] for name in watermarks if name not in idle]
    if not active:
        return max((w for w in watermarks.values() if w is not None), default=None)
    return None if None in active else sum(active) // len(active)


def unseen_is_ignored(watermarks: dict[str, Json], idle: list[str]) -> int | None:
    """Wait only for inputs that have said something."""
    active = [watermarks[name] for name in watermarks if name not in idle]
    if not active:
        return max((w for w in watermarks.values() if w is not None), default=None)
    return min((w for w in active if w is not None), default=None)


def idle_holds(watermarks: dict[str, Json], idle: list[str]) -> int | None:
    """Take the minimum of all inputs, idle or not."""
    if len(idle) == len(watermarks):
        return max((w for w in watermarks.values() if w is not None), default=None)
    everything = list(watermarks.values())
    return None if None in everything else min(everything)


def nothing_if_all_idle(watermarks: dict[str, Json], idle: list[str]) -> int | None:
    """Know nothing once every input is idle."""
    active = [watermarks[name] for name in watermarks if name not in idle]
    return None if not active or None in active else min(active)


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the inputs that count, and the one that holds the watermark."""
    watermarks, idle = args
    active = {name: w for name, w in watermarks.items() if name not in idle}
    if not active:
        return "every input is idle: nobody is waited for, and nobody takes back what was said"
    unseen = [name for name, w in active.items() if w is None]
    if unseen:
        return f"{unseen[0]} is not idle and has said nothing: its next event may be of any time"
    holder = min(active, key=lambda name: active[name])
    return (
        f"not idle: {', '.join(f'{name} {short(w)}' for name, w in active.items())}\n"
        f"{holder} may still send an event at {short(active[holder] + 1)}"
    )


def random_case(rng: Random) -> Args:
    """Draw up to four inputs, some idle, some unheard."""
    names = [f"p{number}" for number in range(rng.randrange(1, 5))]
    watermarks = {
        name: None if rng.random() < 0.15 else rng.randrange(-5_000, 40_000) for name in names
    }
    return watermarks, [name for name in names if rng.random() < 0.3]


EXERCISE = Exercise(
    id="L06.1",
    name="merge",
    kind="faded",
    minutes=8,
    task="Return the common watermark of several inputs; None as long as none is known.",
    reference=reference,
    cases=(
        ({"p0": 13_999}, []),
        ({"p0": 13_999, "p1": 14_999, "p2": 7_999}, []),
        ({"p0": 13_999, "p1": 14_999, "p2": 7_999}, ["p2"]),
        ({"p0": 13_999, "p1": None}, []),
        ({"p0": 13_999, "p1": None}, ["p1"]),
        ({"p0": 13_999, "p1": 14_999}, ["p0", "p1"]),
        ({"p0": 0, "p1": -5_000}, []),
        ({"p0": 0, "p1": None}, ["p0", "p1"]),
        ({"p0": None, "p1": None}, ["p0"]),
        ({"p0": None, "p1": None}, ["p0", "p1"]),
    ),
    random_case=random_case,
    trace=trace,
    rule="The common watermark is the smallest of the inputs that are not idle.",
    next_step="Which input can still send the oldest event?",
    hints=(
        "Whose next event could still be the oldest of all?",
        "What do you know of an input that has said nothing yet?",
        "Which names are left when the idle ones are gone, and what if none is left?",
    ),
    discussion=(
        "Another way: let None be minus infinity, and one `min` does for the unheard inputs, too. "
        "It is shorter, and a reader has to know why it works. Go further: why is the answer for "
        "inputs that are all idle the largest watermark, and what would the smallest do?"
    ),
    misconceptions=(
        Misconception(
            name="max-instead-of-min",
            answer=largest,
            rule="A watermark says that nothing older comes, from any input. The slowest decides.",
            next_step="What will the slowest input send next, and would its window still be open?",
        ),
        Misconception(
            name="mean",
            answer=mean,
            rule="A claim about all inputs that is wrong for half of them is no claim.",
            next_step="Which inputs may still send events before your result?",
        ),
        Misconception(
            name="ignores-unseen-input",
            answer=unseen_is_ignored,
            rule="An input that has said nothing may begin anywhere: it holds everything back.",
            next_step="What could the first event of the silent input be?",
        ),
        Misconception(
            name="idle-still-holds",
            answer=idle_holds,
            rule="An idle input is left out of the minimum: that is all that idle means.",
            next_step="Which of the inputs in your minimum are idle?",
        ),
        Misconception(
            name="forgets-when-all-are-idle",
            answer=nothing_if_all_idle,
            rule="With every input idle the watermark stays where the furthest one has brought it.",
            next_step="Is what the inputs said before they fell silent still true?",
        ),
    ),
)
