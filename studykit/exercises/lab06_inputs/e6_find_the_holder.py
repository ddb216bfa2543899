"""L06.6: a job prints nothing: find the input that holds it, and the one thing to do."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(inputs: list[dict[str, Json]], end_ms: int) -> list[str]:
    """Return the input that holds the window, and what to do about it."""
    holding = [row for row in inputs if row["watermark"] is None or row["watermark"] < end_ms - 1]
    if not holding:
        return ["none", "look at the sink"]
    worst = min(holding, key=lambda row: (row["watermark"] is not None, row["watermark"]))
    return [worst["name"], "let it read on" if worst["lag"] else "mark it idle"]


def blames_the_sink(inputs: list[dict[str, Json]], end_ms: int) -> list[str]:
    """Suspect the sink, because that is where nothing is seen."""
    return ["none", "look at the sink"]


def feeds_the_fast_one(inputs: list[dict[str, Json]], end_ms: int) -> list[str]:
    """Look at the input with the most to do."""
    worst = max(inputs, key=lambda row: row["lag"])
    holding = [row for row in inputs if row["watermark"] is None or row["watermark"] < end_ms - 1]
    if not holding:
        return ["none", "look at the sink"]
    return [worst["name"], "let it read on" if worst["lag"] else "mark it idle"]


def idle_though_slow(inputs: list[dict[str, Json]], end_ms: int) -> list[str]:
    """Mark the slowest input idle, whatever it still has to read."""
    holding = [row for row in inputs if row["watermark"] is None or row["watermark"] < end_ms - 1]
    if not holding:
        return ["none", "look at the sink"]
    worst = min(holding, key=lambda row: (row["watermark"] is not None, row["watermark"]))
    return [worst["name"], "mark it idle"]


def unseen_is_fine(inputs: list[dict[str, Json]], end_ms: int) -> list[str]:
    """Pass over an input that has no watermark."""
    known = [row for row in inputs if row["watermark"] is not None]
    holding = [row for row in known if row["watermark"] < end_ms - 1]
    if not holding:
        return ["none", "look at the sink"]
    worst = min(holding, key=lambda row: row["watermark"])
    return [worst["name"], "let it read on" if worst["lag"] else "mark it idle"]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show every input beside the watermark that the window waits for."""
    inputs, end_ms = args
    rows = [
        f"{row['name']} W={'none' if row['watermark'] is None else short(row['watermark'])} "
        f"lag={short(row['lag'])}"
        for row in inputs
    ]
    head = f"the window waits for W={short(end_ms - 1)}: {'; '.join(rows)}"
    if got[:1] != expected[:1]:
        return f"{head}\nyou name {short(got[0])}"
    return f"{head}\nthe input is right; you would {short(got[1])}"


def random_case(rng: Random) -> Args:
    """Draw up to four inputs around the end of a window; no two with the same watermark."""
    names = [f"p{number}" for number in range(rng.randrange(1, 5))]
    places = rng.sample([9_997, 9_998, 9_999, 10_000, 4_999, 25_000], len(names))
    inputs = [
        {"name": name, "watermark": place, "lag": rng.choice([0, 0, 1, 350])}
        for name, place in zip(names, places, strict=True)
    ]
    if rng.random() < 0.3:
        rng.choice(inputs)["watermark"] = None
    return inputs, rng.choice([10_000, 5_000])


def row(name: str, watermark: int | None, lag: int) -> dict[str, Json]:
    """Return a line of the status page."""
    return {"name": name, "watermark": watermark, "lag": lag}


EXERCISE = Exercise(
    id="L06.6",
    name="find_the_holder",
    kind="bug hunt",
    minutes=12,
    task="Name the input that keeps a window from firing, and the one thing to do about it.",
    reference=reference,
    cases=(
        ([row("p0", 13_999, 0), row("p1", 7_999, 0)], 10_000),
        ([row("p0", 13_999, 900), row("p1", 7_999, 0)], 10_000),
        ([row("p0", 13_999, 0), row("p1", 7_999, 350), row("p2", 8_999, 0)], 10_000),
        ([row("p0", 13_999, 0), row("p1", None, 0), row("p2", 7_999, 0)], 10_000),
        ([row("p0", 13_999, 0), row("p1", None, 1)], 10_000),
        ([row("p0", 13_999, 0), row("p1", 9_999, 350)], 10_000),
        ([row("p0", 9_998, 0), row("p1", 9_999, 7)], 10_000),
        ([row("p0", 9_998, 0)], 5_000),
        ([row("p0", -5_000, 3), row("p1", None, 0)], 10_000),
        ([row("p0", 0, 0), row("p1", -5_000, 1)], 10_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="The smallest watermark holds; a lag says that its owner is slow and not empty.",
    next_step="Which number would tell you who is waited for, and which whether it is worth it?",
    hints=(
        "Which number on the status page says how far an input has come in event time?",
        "Which watermark does the window wait for, to the millisecond?",
        "What does it mean for an input that there are records which nobody has read?",
    ),
    equivalent={
        "nothing = -2 ** 64": "any number below every time stands for nothing said",
        "nothing = -2 ** 62": "any number below every time stands for nothing said",
        "nothing = -3 ** 63": "any number below every time stands for nothing said",
    },
    discussion=(
        "A larger bound, more memory, another sink: none of them changes the minimum. Idleness "
        "does, and for an input that is only slow it turns a wait into a loss. Go further: write "
        "the sentence that an alarm should say, with the name of the input and both numbers in it."
    ),
    misconceptions=(
        Misconception(
            name="blames-the-sink",
            answer=blames_the_sink,
            rule="A sink shows what a window gives it. A window that has not fired gives nothing.",
            next_step="Has the window fired? Which watermark does it wait for?",
        ),
        Misconception(
            name="feeds-the-fast-one",
            answer=feeds_the_fast_one,
            rule="The longest lag is not the smallest watermark: a busy input may be far ahead.",
            next_step="Which column do you sort by, and which one does the window look at?",
        ),
        Misconception(
            name="idle-though-slow",
            answer=idle_though_slow,
            rule="An input with unread records is slow, not empty: left out, these come late.",
            next_step="What becomes of the unread records if the window fires without them?",
        ),
        Misconception(
            name="ignores-unseen-input",
            answer=unseen_is_fine,
            rule="An input without a watermark holds everything: nothing is known of its events.",
            next_step="What is the smallest watermark if one input has none?",
        ),
    ),
)
