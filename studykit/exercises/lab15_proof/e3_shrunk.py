"""L15.3: make a log on which a job is wrong as short as it gets."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab15_proof.e1_late_places import reference as late_places
from studykit.exercises.wording import counted, short


def is_wrong(times_ms: list[int], size_ms: int, bound_ms: int) -> bool:
    """Return whether a job whose watermark is a millisecond early is wrong on a log."""
    early = [
        place
        for place, time_ms in enumerate(times_ms)
        if place and max(times_ms[:place]) - bound_ms >= (time_ms // size_ms + 1) * size_ms - 1
    ]
    return early != late_places(times_ms, size_ms, bound_ms)


def reference(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Return the shortest log that is reached by leaving out payments from the front."""
    for place in range(len(times_ms)):
        shorter = times_ms[:place] + times_ms[place + 1 :]
        if is_wrong(shorter, size_ms, bound_ms):
            return reference(shorter, size_ms, bound_ms)
    return list(times_ms)


def one_pass(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Go through the log once, from the front."""

    def wrong(log: list[int]) -> bool:
        ends = [(time_ms // size_ms + 1) * size_ms for time_ms in log]
        return any(max(log[:n]) - bound_ms == ends[n] - 1 for n in range(1, len(log)))

    place = 0
    while place < len(times_ms):
        shorter = times_ms[:place] + times_ms[place + 1 :]
        if wrong(shorter):
            times_ms = shorter
        else:
            place += 1
    return times_ms


def first_success(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Leave out one payment, and be content."""

    def wrong(log: list[int]) -> bool:
        ends = [(time_ms // size_ms + 1) * size_ms for time_ms in log]
        return any(max(log[:n]) - bound_ms == ends[n] - 1 for n in range(1, len(log)))

    for place in range(len(times_ms)):
        shorter = times_ms[:place] + times_ms[place + 1 :]
        if wrong(shorter):
            return shorter
    return times_ms


def front_only(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Stop at the first payment that is needed."""

    def wrong(log: list[int]) -> bool:
        ends = [(time_ms // size_ms + 1) * size_ms for time_ms in log]
        return any(max(log[:n]) - bound_ms == ends[n] - 1 for n in range(1, len(log)))

    while wrong(times_ms[1:]):
        times_ms = times_ms[1:]
    return times_ms


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say whether the answer is wrong still, and whether it can be shorter."""
    _, size_ms, bound_ms = args
    if not is_wrong(got, size_ms, bound_ms):
        return f"on {short(got)} the job is right: what you left out was needed"
    shorter = [got[:n] + got[n + 1 :] for n in range(len(got))]
    smaller = next((log for log in shorter if is_wrong(log, size_ms, bound_ms)), None)
    if smaller is not None:
        return f"you keep {counted(len(got), 'payment')}; on {short(smaller)} it is wrong, too"
    return "yours is as short as it gets, but is not reached by beginning again at the front"


def random_case(rng: Random) -> Args:
    """Draw up to nine payments on the edges, until the job is wrong on them."""
    while True:
        size_ms, bound_ms = rng.choice([5_000, 10_000]), rng.choice([0, 2_000, 4_000])
        edge_ms = size_ms + bound_ms - 1
        times = [
            rng.choice([edge_ms, edge_ms + size_ms, -1, 0, size_ms - 1, edge_ms + 1, -size_ms])
            for _ in range(rng.randrange(2, 10))
        ]
        if is_wrong(times, size_ms, bound_ms):
            return times, size_ms, bound_ms


EXERCISE = Exercise(
    id="L15.3",
    name="shrunk",
    kind="faded",
    minutes=12,
    task="Leave out payments, as long as the job stays wrong on the log.",
    reference=reference,
    cases=(
        ([13_999, 5_000], 10_000, 4_000),
        ([1_000, 13_999, 5_000], 10_000, 4_000),
        ([13_999, 1_000, 12_000, 5_000, 30_000], 10_000, 4_000),
        ([6_999, 0, 12_000, 11_999, 5_000], 5_000, 2_000),
        ([13_999, 5_000, 20_000, 23_999, 19_000], 10_000, 4_000),
        ([-1, -9_000, -1, -8_000], 10_000, 0),
    ),
    random_case=random_case,
    trace=trace,
    rule="Keep a shorter log only if the job is wrong on it, and begin again until none is.",
    next_step="Which payment of your result can be left out, so that the job is still wrong?",
    hints=(
        "What do you do with a shorter log on which the job is right?",
        "What do you do with one on which it is wrong: where do you go on?",
        "When are you done: which logs have you tried then?",
    ),
    discussion=(
        "Two payments remain each time: one that moves the watermark onto the boundary, and one "
        "that meets it. The result depends on the order in which you leave out; each is as short "
        "as it gets. `study prove` tries halves first, which is quicker on long logs. Go further: "
        "make the times plainer as well."
    ),
    misconceptions=(
        Misconception(
            name="one-pass",
            answer=one_pass,
            rule="What was needed before may be left out now: begin again after each success.",
            next_step="Which payments do you try after you have left one out?",
        ),
        Misconception(
            name="first-success",
            answer=first_success,
            rule="One payment less is a beginning: go on until none can be left out.",
            next_step="Can another payment of your result be left out?",
        ),
        Misconception(
            name="front-only",
            answer=front_only,
            rule="A payment that is needed stays, and those behind it are tried all the same.",
            next_step="What about the payments behind the first one that is needed?",
        ),
    ),
)
