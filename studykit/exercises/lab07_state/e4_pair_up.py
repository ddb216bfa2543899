"""L07.4: an authorisation and its capture, in both orders."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(events: list[list[str]]) -> dict[str, Json]:
    """Return the ids in the order in which their pairs were complete, and those still held."""
    pairs: list[str] = []
    for place, (kind, name) in enumerate(events):
        before = [other for other, key in events[:place] if key == name]
        if before.count(kind) < len(before) - before.count(kind):
            pairs.append(name)
    held = [
        name
        for name in {name for _, name in events}
        if events.count(["auth", name]) != events.count(["capture", name])
    ]
    return {"pairs": pairs, "held": sorted(held)}


def auth_first(events: list[list[str]]) -> dict[str, Json]:
    """Believe that the authorisation always comes first."""
    held: dict[str, int] = {}
    pairs = []
    for kind, name in events:
        if kind == "auth":
            held[name] = held.get(name, 0) + 1
        elif held.get(name):
            pairs.append(name)
            held[name] -= 1
    return {"pairs": pairs, "held": sorted(name for name in held if held[name])}


def leaks(events: list[list[str]]) -> dict[str, Json]:
    """Tell the pair, and forget to clear what was waiting."""
    seen: dict[str, list[str]] = {}
    pairs = []
    for kind, name in events:
        before = seen.setdefault(name, [])
        if before.count(kind) < len(before) - before.count(kind):
            pairs.append(name)
        before.append(kind)
    return {"pairs": pairs, "held": sorted(seen)}


def one_slot(events: list[list[str]]) -> dict[str, Json]:
    """Keep one waiting event for all ids."""
    waiting: list[str] = []
    pairs = []
    for kind, name in events:
        if waiting and waiting[0] != kind:
            pairs.append(name)
            waiting = []
        else:
            waiting = [kind, name]
    return {"pairs": pairs, "held": waiting[1:]}


def pairs_twice(events: list[list[str]]) -> dict[str, Json]:
    """Let a matched event match again."""
    seen: dict[str, list[str]] = {}
    pairs = []
    for kind, name in events:
        before = seen.setdefault(name, [])
        if any(other != kind for other in before):
            pairs.append(name)
        before.append(kind)
    held = [name for name in seen if len(set(seen[name])) == 1]
    return {"pairs": pairs, "held": sorted(held)}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first pair, or else the held id, that differs."""
    (events,) = args
    played = ", ".join(f"{kind} {name}" for kind, name in events)
    index = first_difference(got["pairs"], expected["pairs"])
    if index < max(len(got["pairs"]), len(expected["pairs"])):
        mine, right = item(got["pairs"], index), item(expected["pairs"], index)
        return f"{played}\npair {index + 1}: {mine} instead of {right}"
    return f"{played}\nthe pairs are right; held are {short(got['held'])}"


def random_case(rng: Random) -> Args:
    """Draw up to eight events of three ids, in any order."""
    return (
        [[rng.choice(["auth", "capture"]), rng.choice("xyz")] for _ in range(rng.randrange(9))],
    )


EXERCISE = Exercise(
    id="L07.4",
    name="pair_up",
    kind="independent",
    minutes=15,
    task="Return the ids whose authorisation and capture have met, and the ids still waiting.",
    reference=reference,
    cases=(
        ([["auth", "x"], ["capture", "x"]],),
        ([["capture", "x"], ["auth", "x"]],),
        ([["auth", "x"], ["capture", "y"]],),
        ([["auth", "x"], ["capture", "x"], ["capture", "x"]],),
        ([["auth", "x"], ["auth", "x"], ["capture", "x"], ["auth", "y"]],),
        ([["capture", "z"], ["capture", "z"], ["auth", "z"], ["auth", "z"], ["auth", "z"]],),
        ([["auth", "y"], ["auth", "x"]],),
        ([],),
    ),
    random_case=random_case,
    trace=trace,
    rule="Whichever comes first waits; when its partner comes both are told, and neither is held.",
    next_step="Which of the two came first for this id, and what is left of it afterwards?",
    hints=(
        "What do you do with a capture whose authorisation has not been read yet?",
        "What is left in the state of an id once its pair is told?",
        "Two authorisations and one capture: what waits?",
    ),
    equivalent={
        "side = 1 if kind != 'auth' else -1": "the signs only have to differ",
        "if waiting.get(name, 0) // side < 0:": "divided by 1 or -1 is the same as multiplied",
    },
    discussion=(
        "A finished key owns no state and no timer. Here an id whose partner never comes waits for "
        "ever: a timer has to give it up, and say so. Go further: after how long, and in whose "
        "time?"
    ),
    misconceptions=(
        Misconception(
            name="first-side-assumed",
            answer=auth_first,
            rule="The two come through different logs: either may be read first.",
            next_step="What happens to a capture that is read before its authorisation?",
        ),
        Misconception(
            name="state-leak",
            answer=leaks,
            rule="A finished key owns no state: what was waiting is cleared when the pair is told.",
            next_step="Which line clears what was waiting?",
        ),
        Misconception(
            name="one-state-for-all",
            answer=one_slot,
            rule="Every id waits for itself: state belongs to a key.",
            next_step="Whose partner is this capture?",
        ),
        Misconception(
            name="matches-again",
            answer=pairs_twice,
            rule="An authorisation is captured once: after its pair it is used up.",
            next_step="How many captures has this id, and how many authorisations?",
        ),
    ),
)
