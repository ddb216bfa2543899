"""L15.1: write an oracle that asks of each payment alone whether it came too late."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy


def reference(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Return the places of the late payments, by the watermark that each of them meets."""
    late = []
    for place, time_ms in enumerate(times_ms):
        watermark_ms = max(times_ms[:place], default=time_ms) - bound_ms - 1
        last_ms = (time_ms // size_ms + 1) * size_ms - 1
        if watermark_ms >= last_ms:
            late.append(place)
    return late


def strictly_later(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Ask for a payment behind the end and the bound, and not for one at it."""
    late = []
    for place, time_ms in enumerate(times_ms):
        end_ms = time_ms - time_ms % size_ms + size_ms
        if any(earlier_ms > end_ms + bound_ms for earlier_ms in times_ms[:place]):
            late.append(place)
    return late


def without_the_bound(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Call a window complete as soon as something lies behind it."""
    late = []
    for place, time_ms in enumerate(times_ms):
        end_ms = time_ms - time_ms % size_ms + size_ms
        if any(earlier_ms >= end_ms for earlier_ms in times_ms[:place]):
            late.append(place)
    return late


def by_the_payment(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Compare with the payment itself, and not with the end of its window."""
    late = []
    for place, time_ms in enumerate(times_ms):
        if any(earlier_ms > time_ms + bound_ms for earlier_ms in times_ms[:place]):
            late.append(place)
    return late


def whole_log(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Look at the whole log, also at what comes afterwards."""
    late = []
    for place, time_ms in enumerate(times_ms):
        end_ms = time_ms - time_ms % size_ms + size_ms
        if any(other_ms >= end_ms + bound_ms for other_ms in times_ms):
            late.append(place)
    return late


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first payment on which the two disagree, and the newest before it."""
    times_ms, size_ms, bound_ms = args
    differing = sorted({*got} ^ {*expected})
    if not differing:
        index = first_difference(got, expected)
        return f"place {index + 1} of your list: {item(got, index)}"
    place = differing[0]
    if place not in range(len(times_ms)):
        return f"there is no payment in place {short(place)}"
    time_ms = times_ms[place]
    end_ms = (time_ms // size_ms + 1) * size_ms
    before = f"the newest is {short(max(times_ms[:place]))}" if place else "there is none"
    return (
        f"the payment in place {place} is at {short(time_ms)}, its window ends at {short(end_ms)}\n"
        f"end and bound: {short(end_ms + bound_ms)}; before it {before}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the log, and the first payment on which the two disagree."""
    times_ms, size_ms, bound_ms = args
    differing = [place for place in sorted({*got} ^ {*expected}) if place in range(len(times_ms))]
    if not differing:
        return None
    return Scene(
        figure="watermark_stepper",
        events=arriving(times_ms),
        policy=Policy(size_ms=size_ms, bound_ms=bound_ms),
        number=differing[0] + 1,
    )


def random_case(rng: Random) -> Args:
    """Draw up to eight payments around the ends of windows, and around ends and bound."""
    size_ms, bound_ms = rng.choice([5_000, 10_000]), rng.choice([0, 2_000, 4_000])
    edges = [end_ms + wait_ms for end_ms in (-size_ms, 0, size_ms) for wait_ms in (0, bound_ms)]
    times = [rng.choice(edges) + rng.choice([-1, 0, 1, -2_500]) for _ in range(rng.randrange(9))]
    return times, size_ms, bound_ms


EXERCISE = Exercise(
    id="L15.1",
    name="late_places",
    kind="faded",
    minutes=10,
    task="Write an oracle: return the places of the payments that came too late.",
    reference=reference,
    cases=(
        ([1_000, 12_000, 6_000], 10_000, 4_000),
        ([14_000, 9_999], 10_000, 4_000),
        ([13_999, 9_999], 10_000, 4_000),
        ([14_000, 10_000, 14_001, 0], 10_000, 4_000),
        ([3_000, 20_000, 4_000], 5_000, 2_000),
        ([0, -1, 5_000, -5_000, -5_001], 5_000, 0),
        ([30_000, 12_000, 31_000, 12_000, 5_000], 10_000, 12_000),
        ([], 10_000, 4_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="Late is what comes after something at or behind the end of its window and the bound.",
    next_step="Which payment before it is far enough, and how far is that?",
    hints=(
        "Of which payments is it asked: of all, or of those that came before?",
        "How far must one of them be, so that the window of this one is complete?",
        "Is the end and the bound itself far enough: where is the watermark then?",
    ),
    discussion=(
        "There is no watermark in it, no state and no `- 1`, so that it can hardly have the "
        "mistakes of a job. It compares each payment with all before it; for a trial on short logs "
        "that is good enough. Go further: which law needs no oracle?"
    ),
    misconceptions=(
        Misconception(
            name="strictly-later",
            answer=strictly_later,
            rule="Something exactly at the end and the bound is far enough: W is end - 1 then.",
            next_step="Where is the watermark after a payment at exactly the end and the bound?",
        ),
        Misconception(
            name="forgets-the-bound",
            answer=without_the_bound,
            rule="A window waits for its bound: what lies behind its end does not complete it.",
            next_step="For how long after its end does a window wait?",
        ),
        Misconception(
            name="late-by-event",
            answer=by_the_payment,
            rule="The end of the window decides about lateness, and not the payment's own time.",
            next_step="Is the window of this payment complete when it comes?",
        ),
        Misconception(
            name="sees-the-future",
            answer=whole_log,
            rule="A payment is judged when it comes. What comes afterwards cannot make it late.",
            next_step="Which payments had come before this one?",
        ),
    ),
    second=(
        "def late_places(times_ms, size_ms, bound_ms):\n"
        "    newest_ms, late = float('-inf'), []  # one pass: this is what the oracle is for\n"
        "    for place, time_ms in enumerate(times_ms):\n"
        "        if newest_ms - bound_ms >= time_ms - time_ms % size_ms + size_ms:\n"
        "            late.append(place)\n"
        "        newest_ms = max(newest_ms, time_ms)\n"
        "    return late\n"
    ),
)
