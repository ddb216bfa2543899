"""L09.3: barriers of two inputs, aligned by hand."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

BARRIER = "|"


def reference(arrivals: list[list[Json]]) -> dict[str, Json]:
    """Return the total in front of both barriers, and the values that waited for the second."""
    places = {
        side: next((place for place, row in enumerate(arrivals) if row == [side, BARRIER]), None)
        for side in ("left", "right")
    }
    known = [place for place in places.values() if place is not None]
    end = max(known) if len(known) == 2 else len(arrivals)
    total, waiting = 0, []
    for place, (side, what) in enumerate(arrivals[:end]):
        barrier = places[side]
        if barrier is not None and place > barrier:
            waiting.append(what)
        elif what != BARRIER:
            total += what
    return {"saved": total if len(known) == 2 else None, "waiting": waiting}


def first_barrier(arrivals: list[list[Json]]) -> dict[str, Json]:
    """Save as soon as one barrier has come."""
    total = 0
    for _, what in arrivals:
        if what == "|":
            return {"saved": total, "waiting": []}
        total += what
    return {"saved": None, "waiting": []}


def not_aligned(arrivals: list[list[Json]]) -> dict[str, Json]:
    """Count what comes, until both barriers are there."""
    total, seen = 0, 0
    for _, what in arrivals:
        if what == "|":
            seen += 1
            if seen == 2:
                return {"saved": total, "waiting": []}
        else:
            total += what
    return {"saved": None, "waiting": []}


def holds_the_other(arrivals: list[list[Json]]) -> dict[str, Json]:
    """Let the input wait whose barrier has not come yet."""
    total, passed = 0, set()
    waiting: list[Json] = []
    for side, what in arrivals:
        if what == "|":
            passed.add(side)
            if len(passed) == 2:
                return {"saved": total, "waiting": waiting}
        elif passed and side not in passed:
            waiting.append(what)
        else:
            total += what
    return {"saved": None, "waiting": waiting}


def left_is_first(arrivals: list[list[Json]]) -> dict[str, Json]:
    """Believe that the left barrier comes first."""
    total, passed = 0, set()
    waiting: list[Json] = []
    for side, what in arrivals:
        if what == "|":
            passed.add(side)
            if len(passed) == 2:
                return {"saved": total, "waiting": waiting}
        elif side == "left" and "left" in passed:
            waiting.append(what)
        else:
            total += what
    return {"saved": None, "waiting": waiting}


def counts_what_waits(arrivals: list[list[Json]]) -> dict[str, Json]:
    """Put what waited into the checkpoint, too."""
    total, passed = 0, set()
    waiting: list[Json] = []
    for side, what in arrivals:
        if what == "|":
            passed.add(side)
            if len(passed) == 2:
                return {"saved": total + sum(waiting), "waiting": waiting}
        elif side in passed:
            waiting.append(what)
        else:
            total += what
    return {"saved": None, "waiting": waiting}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the arrivals, with what each does."""
    (arrivals,) = args
    passed: set[str] = set()
    steps = []
    for side, what in arrivals:
        if what == BARRIER:
            passed.add(side)
            steps.append(f"{side} |")
            if len(passed) == 2:
                break
        else:
            steps.append(f"{side} {what}{' waits' if side in passed else ''}")
    played = ", ".join(steps) or "nothing arrives"
    if len(passed) < 2:
        played += "; a barrier is missing: no checkpoint"  # no claim: ours
    if got["saved"] == expected["saved"]:
        return f"{played}\nwhat is saved is right; you let wait {short(got['waiting'])}"
    return f"{played}\nyou save {short(got['saved'])} instead of {short(expected['saved'])}"


def random_case(rng: Random) -> Args:
    """Draw two short inputs, each with a barrier or, rarely, without, in any order."""
    queues: list[list[Json]] = []
    for _ in range(2):
        queue: list[Json] = [rng.randrange(-2, 9) for _ in range(rng.randrange(5))]
        if rng.random() < 0.85:
            queue.insert(rng.randrange(len(queue) + 1), BARRIER)
        queues.append(queue)
    arrivals = []
    while any(queues):
        side = rng.choice([number for number in (0, 1) if queues[number]])
        arrivals.append([("left", "right")[side], queues[side].pop(0)])
    return (arrivals,)


def _row(text: str) -> tuple[list[list[Json]]]:
    """Return the arrivals of a line such as `l1 l| r2`."""
    sides = {"l": "left", "r": "right"}
    return ([[sides[w[0]], w[1:] if w[1:] == BARRIER else int(w[1:])] for w in text.split()],)


EXERCISE = Exercise(
    id="L09.3",
    name="align",
    kind="independent",
    minutes=12,
    task="Return what an operator with two inputs saves, and which values wait until then.",
    reference=reference,
    cases=(
        _row("l1 l| r2 r|"),
        _row("l1 l| l2 r10 l4 r|"),
        _row("r10 r| r20 l1 l|"),
        _row("l1 r| l2 r5 l| l7 r9"),
        _row("l| r| l3"),
        _row("r| l3 l| r4"),
        _row("l1 l| l2 r3"),
        _row("l3 r-3 r| l|"),
        _row("l5 r5"),
        ([],),
    ),
    random_case=random_case,
    trace=trace,
    rule="What is before both barriers is saved; the input whose barrier has come waits.",
    next_step="Which of these values will its source send again, after a restart from here?",
    hints=(
        "When has an operator got everything that belongs to the checkpoint?",
        "One barrier is there. Which of the two inputs may be read on?",
        "How do you keep three things: the total, who has passed a barrier, and what waits?",
    ),
    discussion=(
        "The input that is ahead waits, though nothing is wrong with it: alignment costs the "
        # no claim: ours
        "faster one. An unaligned checkpoint saves what waits as part of the state, and lets the "
        "barrier overtake. Go further: with three inputs, which condition changes?"
    ),
    second=(
        "def align(arrivals):\n"
        "    ends = [at for at, (_, what) in enumerate(arrivals) if what == '|']\n"
        "    whole = len(ends) == 2\n"
        "    until = ends[1] if whole else len(arrivals)\n"
        "    first = arrivals[ends[0]][0] if ends else None\n"
        "    late = [what for at, (side, what) in enumerate(arrivals[:until])\n"
        "            if ends and side == first and at > ends[0]]\n"
        "    early = [what for _, what in arrivals[:until] if what != '|']\n"
        "    return {'saved': sum(early) - sum(late) if whole else None, 'waiting': late}\n"
    ),
    misconceptions=(
        Misconception(
            name="first-barrier",
            answer=first_barrier,
            rule="One barrier speaks for one input; of the other something is still to come.",
            next_step="Which values in front of the other barrier are not in what you save?",
        ),
        Misconception(
            name="no-alignment",
            answer=not_aligned,
            rule="What is behind a barrier is sent again after a restart: saved, it counts twice.",
            next_step="Which value comes behind its own barrier, and is in what you save?",
        ),
        Misconception(
            name="holds-the-other",
            answer=holds_the_other,
            rule="The input that is behind must be read on, or its barrier never comes.",
            next_step="Which input has its barrier behind it, and which has it still to come?",
        ),
        Misconception(
            name="left-is-first",
            answer=left_is_first,
            rule="Either barrier may come first; the inputs are never in step.",
            next_step="What does your code do if the right barrier is the first?",
        ),
        Misconception(
            name="saves-what-waits",
            answer=counts_what_waits,
            rule=(
                "What waited is behind its barrier: "  # no claim: ours
                "it is counted after the checkpoint."
            ),
            next_step="Is a value that waited before or behind the barrier of its input?",
        ),
    ),
)
