"""L07.5: repeated events, forgotten after a while."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, stretches
from studykit.exercises.wording import first_difference, item, short


def reference(events: list[list[Json]], ttl_ms: int) -> dict[str, Json]:
    """Return the events let through, and the names held at the end; events come in order."""
    passed: list[list[Json]] = []
    for name, time_ms in events:
        same = [at_ms for other, at_ms in passed if other == name]
        if not same or time_ms >= same[-1] + ttl_ms:
            passed.append([name, time_ms])
    now_ms = events[-1][1] if events else 0
    held = {name for name, time_ms in passed if time_ms + ttl_ms > now_ms}
    return {"passed": passed, "held": sorted(held)}


def for_ever(events: list[list[Json]], ttl_ms: int) -> dict[str, Json]:
    """Remember every name for ever."""
    passed, seen = [], set()
    for name, time_ms in events:
        if name not in seen:
            seen.add(name)
            passed.append([name, time_ms])
    return {"passed": passed, "held": sorted(seen)}


def refreshes(events: list[list[Json]], ttl_ms: int) -> dict[str, Json]:
    """Begin the time anew with each repetition."""
    passed = []
    seen: dict[str, int] = {}
    for name, time_ms in events:
        if name not in seen or time_ms >= seen[name] + ttl_ms:
            passed.append([name, time_ms])
        seen[name] = time_ms
    now = events[-1][1] if events else 0
    return {"passed": passed, "held": sorted(n for n in seen if seen[n] + ttl_ms > now)}


def never_freed(events: list[list[Json]], ttl_ms: int) -> dict[str, Json]:
    """Let names through again after a while, and free none."""
    passed = []
    seen: dict[str, int] = {}
    for name, time_ms in events:
        if name not in seen or time_ms >= seen[name] + ttl_ms:
            passed.append([name, time_ms])
            seen[name] = time_ms
    return {"passed": passed, "held": sorted(seen)}


def neighbours(events: list[list[Json]], ttl_ms: int) -> dict[str, Json]:
    """Compare each event with the one just before it."""
    passed = []
    for place, (name, time_ms) in enumerate(events):
        if place == 0 or events[place - 1][0] != name:
            passed.append([name, time_ms])
    now = events[-1][1] if events else 0
    return {"passed": passed, "held": sorted({n for n, t in passed if t + ttl_ms > now})}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first event let through, or else the names held, that differ."""
    events, ttl_ms = args
    played = ", ".join(f"{name} {short(time_ms)}" for name, time_ms in events)
    index = first_difference(got["passed"], expected["passed"])
    if index < max(len(got["passed"]), len(expected["passed"])):
        mine, right = item(got["passed"], index), item(expected["passed"], index)
        return f"{played}; kept for {short(ttl_ms)}\npassed {index + 1}: {mine} instead of {right}"
    return f"{played}; kept for {short(ttl_ms)}\nthe events are right; held {short(got['held'])}"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the messages, and below them how long each that passes stops others."""
    events, ttl_ms = args
    return stretches(
        [time_ms for _, time_ms in events],
        [[time_ms, time_ms + ttl_ms] for _, time_ms in expected["passed"]],
        [[time_ms, time_ms + ttl_ms] for _, time_ms in got["passed"]],
        "A span begins with a message that passes, and stops its repetitions.",
        marks="messages",
    )


def random_case(rng: Random) -> Args:
    """Draw up to eight events in order, often exactly one time to live apart."""
    ttl_ms = rng.choice([1_000, 5_000])
    events, now_ms = [], rng.choice([-3_000, 0])
    for _ in range(rng.randrange(9)):
        events.append([rng.choice("xy"), now_ms])
        now_ms += rng.choice([0, ttl_ms - 1, ttl_ms, ttl_ms // 2, ttl_ms + 1])
    return events, ttl_ms


EXERCISE = Exercise(
    id="L07.5",
    name="first_only",
    kind="bug hunt",
    minutes=15,
    task="Repair the filter: an id passes once in ttl_ms, and is forgotten when that is over.",
    reference=reference,
    cases=(
        ([["x", 0], ["x", 1_000]], 5_000),
        ([["x", 0], ["x", 5_000]], 5_000),
        ([["x", 0], ["x", 4_999]], 5_000),
        ([["x", 0], ["x", 3_000], ["x", 6_000]], 5_000),
        ([["x", 0], ["y", 1_000], ["x", 2_000], ["y", 9_000]], 5_000),
        ([["x", -3_000], ["y", 0], ["x", 0]], 1_000),
        ([["y", 0], ["x", 0], ["x", 0]], 1_000),
        ([], 5_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A name is held from the event that passed until ttl_ms later, and not a moment longer.",
    next_step="Which event of this name passed last, and how long ago in event time?",
    hints=(
        "What does the filter have to remember of a name, besides that it has seen it?",
        "Does a repetition that is stopped change what is remembered?",
        "When may a name be forgotten that never comes again?",
    ),
    discussion=(
        "A time to live by the clock on the wall forgets nothing while a replay races through a "
        "day, so live and replay differ. With event time they agree. Go further: how long must "
        "the time to live be, if a producer repeats what it sent up to ten minutes later?"
    ),
    misconceptions=(
        Misconception(
            name="for-ever",
            answer=for_ever,
            rule="Names that are never forgotten fill the memory, and a real second event is lost.",
            next_step="How long after the first one is this event?",
        ),
        Misconception(
            name="refreshes-on-read",
            answer=refreshes,
            rule="A repetition that is stopped must not prolong the time: else it never passes.",
            next_step="Which event begins the time: the one that passed, or the one stopped?",
        ),
        Misconception(
            name="never-frees",
            answer=never_freed,
            rule="A name whose time is over is freed, also if it never comes again.",
            next_step="Which of the names held can still stop anything?",
        ),
        Misconception(
            name="neighbours-only",
            answer=neighbours,
            rule="A repetition may come after other names: the state is that of the name.",
            next_step="What lies between the two events of this name?",
        ),
    ),
    second=(
        "def first_only(events, ttl_ms):\n"
        "    held, passed = {}, []  # a dict is in the order in which names passed\n"
        "    for name, time_ms in events:\n"
        "        while held and next(iter(held.values())) <= time_ms - ttl_ms:\n"
        "            del held[next(iter(held))]  # freed by any event, its own or not\n"
        "        if name not in held:\n"
        "            held[name] = time_ms\n"
        "            passed.append([name, time_ms])\n"
        "    return {'passed': passed, 'held': sorted(held)}\n"
    ),
)
