"""L14.1: the first slow operator of a job."""

from __future__ import annotations

from random import Random
from typing import Any

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Operators = list[list[Any]]


def reference(operators: Operators, busy_above: int, held_up_most: int) -> str | None:
    """Return the last operator that is busy and is not held up."""
    slow = [
        name
        for name, busy, held_up in operators
        if busy > busy_above and not held_up > held_up_most
    ]
    return slow[-1] if slow else None


def blames_the_last(operators: Operators, busy_above: int, held_up_most: int) -> str | None:
    """Blame the sink wherever somebody waits: it is there that nothing comes out."""
    waits = any(held_up > held_up_most for _, _, held_up in operators)
    return f"{operators[-1][0]}" if waits else None


def blames_the_reddest(operators: Operators, busy_above: int, held_up_most: int) -> str | None:
    """Blame the operator that is held up for longest."""
    worst: list[Any] = max(operators, key=lambda row: row[2], default=["", 0, 0])
    return f"{worst[0]}" if worst[2] > held_up_most else None


def blames_the_busiest(operators: Operators, busy_above: int, held_up_most: int) -> str | None:
    """Blame the operator that works most, held up or not."""
    worst: list[Any] = max(operators, key=lambda row: row[1], default=["", 0, 0])
    return f"{worst[0]}" if worst[1] > busy_above else None


def from_the_source(operators: Operators, busy_above: int, held_up_most: int) -> str | None:
    """Take the first from the source that is busy and not held up."""
    for name, busy, held_up in operators:
        if busy > busy_above and held_up <= held_up_most:
            return f"{name}"
    return None


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show each operator with its two shares."""
    operators, busy_above, held_up_most = args
    rows = [f"{name} works {busy} %, held up {held_up} %" for name, busy, held_up in operators]
    return (
        f"{'; '.join(rows) or 'no operator'}\n"
        f"busy is above {busy_above} %, held up is above {held_up_most} %; you name {short(got)}"
    )


def random_case(rng: Random) -> Args:
    """Draw up to five operators, many with shares just at the limits."""
    busy_above, held_up_most = rng.choice([50, 70, 90]), rng.choice([0, 10, 30])
    busy = [0, busy_above - 1, busy_above, busy_above + 1, 100]
    held_up = [0, held_up_most, held_up_most + 1, 60]
    names = ["tx", "decode", "window", "score", "sink"][: rng.randrange(6)]
    return (
        [[name, rng.choice(busy), rng.choice(held_up)] for name in names],
        busy_above,
        (held_up_most),
    )


EXERCISE = Exercise(
    id="L14.1",
    name="first_slow",
    kind="faded",
    minutes=8,
    task="Name the operator that makes the whole job slow.",
    reference=reference,
    cases=(
        ([["tx", 10, 80], ["decode", 20, 70], ["window", 99, 1], ["sink", 30, 0]], 70, 30),
        ([["tx", 10, 90], ["decode", 100, 60], ["window", 80, 0], ["sink", 30, 0]], 70, 30),
        ([["tx", 90, 0], ["decode", 80, 50], ["window", 95, 10], ["sink", 95, 11]], 70, 10),
        ([["tx", 75, 0], ["decode", 40, 60], ["window", 90, 0], ["sink", 20, 0]], 70, 30),
        ([["tx", 70, 0], ["sink", 69, 0]], 70, 30),
        ([["tx", 71, 30], ["sink", 70, 0]], 70, 30),
        ([["tx", 71, 31], ["sink", 50, 0]], 70, 30),
        ([["tx", 60, 0], ["sink", 20, 0]], 50, 0),
        ([], 70, 30),
    ),
    random_case=random_case,
    trace=trace,
    rule="The first slow one is the last that is busy and is not held up itself.",
    next_step="Whom does the last operator that is held up wait for?",
    hints=(
        "Which number would tell you that an operator works, and which that it only waits?",
        "An operator waits for room: is the slow one before it, or after it?",
        "Reading from the sink, which is the first operator that is busy and waits for nobody?",
    ),
    discussion=(
        "It hurts where operators are held up. The cause stands behind the last of them, and to "
        "make anything else faster changes nothing. Go further: two operators are slow. Which one "
        "do you see first, and when do you see the other?"
    ),
    equivalent={"without: return None": "a function that ends without a return returns None"},
    second=(
        "def first_slow(operators, busy_above, held_up_most):\n"
        "    slow = [name for name, busy, held_up in operators\n"
        "            if busy > busy_above and held_up <= held_up_most]\n"
        "    return slow[-1] if slow else None\n"
    ),
    misconceptions=(
        Misconception(
            name="blames-the-last",
            answer=blames_the_last,
            rule="The last operator gets what the slow one lets through: it is idle, not slow.",
            next_step="How much of its time does the operator that you name work?",
        ),
        Misconception(
            name="blames-the-reddest",
            answer=blames_the_reddest,
            rule="Who is held up waits for a later one: it is a victim of the slow one.",
            next_step="What does the operator that you name wait for?",
        ),
        Misconception(
            name="blames-the-busiest",
            answer=blames_the_busiest,
            rule="An operator may be busy and held up as well: then a later one is slower.",
            next_step="Is the operator that you name held up?",
        ),
        Misconception(
            name="from-the-source",
            answer=from_the_source,
            rule="A busy operator near the source may slow nobody: a later one may be slower.",
            next_step="Is there another operator after yours that is busy and waits for nobody?",
        ),
    ),
)
