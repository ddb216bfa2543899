"""L09.6: where the state of each key goes when there are more workers."""

from __future__ import annotations

from random import Random
from zlib import crc32

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(state: dict[str, int], groups: int, workers: int) -> list[dict[str, int]]:
    """Return the part of each worker: those of its range of groups, in the order of the keys."""
    parts: list[dict[str, int]] = []
    for worker in range(workers):
        part = {}
        for key in sorted(state):
            if crc32(key.encode("utf-8")) % groups * workers // groups == worker:
                part[key] = state[key]
        parts.append(part)
    return parts


def by_rest(state: dict[str, int], groups: int, workers: int) -> list[dict[str, int]]:
    """Take the code's rest by the number of workers."""
    parts: list[dict[str, int]] = [{} for _ in range(workers)]
    for key in sorted(state):
        parts[crc32(key.encode()) % workers][key] = state[key]
    return parts


def group_by_rest(state: dict[str, int], groups: int, workers: int) -> list[dict[str, int]]:
    """Deal the groups out one by one."""
    parts: list[dict[str, int]] = [{} for _ in range(workers)]
    for key in sorted(state):
        parts[crc32(key.encode()) % groups % workers][key] = state[key]
    return parts


def to_all(state: dict[str, int], groups: int, workers: int) -> list[dict[str, int]]:
    """Give everybody all of it."""
    return [dict(state) for _ in range(workers)]


def stays(state: dict[str, int], groups: int, workers: int) -> list[dict[str, int]]:
    """Leave everything with the first worker."""
    return [dict(state), *({} for _ in range(workers - 1))]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first key whose state is not where its events go."""
    state, groups, workers = args
    if len(got) != workers:
        return f"there are {workers} workers, and you return {len(got)} parts"
    for key in sorted(state):
        mine = [worker for worker in range(workers) if key in got[worker]]
        right = next(worker for worker in range(workers) if key in expected[worker])
        if mine != [right]:
            code = crc32(key.encode())
            where = " and ".join(map(str, mine)) or "(nobody)"
            return (
                f"{key!r}: {code:_} % {groups} is group {code % groups}; that times {workers} // "
                f"{groups} is worker {right}, and you give it to worker {where}"
            )
    return f"every key is in its place; the parts are {short(expected)}"


def random_case(rng: Random) -> Args:
    """Draw up to eight keys with their values, some of them 0, and a number of workers."""
    keys = [f"card {number}" for number in rng.sample(range(60), rng.randrange(9))]
    groups = rng.choice([8, 16, 128])
    return {key: rng.randrange(3) for key in keys}, groups, rng.choice([1, 2, 3, 5])


EXERCISE = Exercise(
    id="L09.6",
    name="rescaled",
    kind="independent",
    minutes=12,
    task="Return the state that each worker gets, by ranges of key groups.",
    reference=reference,
    cases=(
        ({"card 4": 5, "card 5": 9, "card 20": 0, "card 21": 7}, 128, 2),
        ({"card 4": 5, "card 5": 9, "card 20": 0, "card 21": 7}, 128, 3),
        ({f"card {n}": n for n in range(10, 22)}, 8, 3),
        ({f"shop {n}": 1 for n in range(9)}, 16, 5),
        ({"Zürich": 1, "Genève": 2, "Bern": 3}, 16, 2),
        ({"card 1": 5, "card 2": 9}, 128, 1),
        ({}, 128, 3),
    ),
    random_case=random_case,
    trace=trace,
    rule="A key has one group for good, group = code % groups; a worker has a range of groups.",
    next_step="Which group has this key, and which worker has that group?",
    hints=(
        "Which number of a key is the same in every process, today and after a restart?",
        "Which two steps lead from the key to its group, and from the group to its worker?",
        "Groups 0 to 127 and four workers: the first has 0 to 31. Which formula says so?",
    ),
    equivalent={
        "parts[int(group * workers / groups) // 1][key] = value": "the same whole part",
    },
    discussion=(
        "With ranges, each worker reads a few whole pieces of the checkpoint. With `code % "
        # no claim: ours
        "workers` nearly every key moves, one by one, whenever a worker is added. Go further: why "
        "can the number of groups not be changed once there is a checkpoint?"
    ),
    misconceptions=(
        Misconception(
            name="code-by-workers",
            answer=by_rest,
            rule="The code's rest by the number of workers moves nearly every key to another one.",
            next_step="Which group has this key, however many workers there are?",
        ),
        Misconception(
            name="groups-one-by-one",
            answer=group_by_rest,
            rule="A worker has a range of groups that lie side by side, not every nth one.",
            next_step="Which groups does the first worker have, from which one to which one?",
        ),
        Misconception(
            name="everybody-gets-all",
            answer=to_all,
            rule="State of a key is at one place: in several it is counted several times.",
            next_step="How many workers change the state of this key?",
        ),
        Misconception(
            name="stays-where-it-was",
            answer=stays,
            rule="The events of a key go to the worker of its group, and its state has to, too.",
            next_step="Which worker gets the next event of this key?",
        ),
    ),
)
