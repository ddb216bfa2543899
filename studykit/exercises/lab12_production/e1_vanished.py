"""L12.1: the job that loses events only when it recovers."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, meeting
from studykit.exercises.wording import short

Times = list[int]


def is_closed(last_ms: int, times_ms: Times, bound_ms: int) -> bool:
    """Return whether the watermark of some events has reached a window's last millisecond."""
    return bool(times_ms) and last_ms <= max(times_ms) - bound_ms - 1


def reference(times_ms: Times, bound_ms: int, size_ms: int, restart: int) -> list[int]:
    """Return the places of events that are judged on time, and dropped by their window."""
    lost = []
    for place, event_ms in enumerate(times_ms):
        last_ms = event_ms // size_ms * size_ms + size_ms - 1
        since = times_ms[restart if place >= restart else 0 : place]
        judged_late = is_closed(last_ms, since, bound_ms)
        if is_closed(last_ms, times_ms[:place], bound_ms) and not judged_late:
            lost.append(place)
    return lost


def nothing_vanishes(times_ms: Times, bound_ms: int, size_ms: int, restart: int) -> list[int]:
    """Trust in the dead letters."""
    return []


def all_that_are_late(times_ms: Times, bound_ms: int, size_ms: int, restart: int) -> list[int]:
    """Take every late event for lost."""
    return [
        place
        for place, event_ms in enumerate(times_ms)
        if place and (event_ms // size_ms + 1) * size_ms <= max(times_ms[:place]) - bound_ms
    ]


def all_late_ones_since(times_ms: Times, bound_ms: int, size_ms: int, restart: int) -> list[int]:
    """Take every late event behind the restart for lost."""
    return [
        place
        for place, event_ms in enumerate(times_ms)
        if place
        and place >= restart > 0
        and (event_ms // size_ms + 1) * size_ms <= max(times_ms[:place]) - bound_ms
    ]


def only_the_first(times_ms: Times, bound_ms: int, size_ms: int, restart: int) -> list[int]:
    """Believe that the watermark is back with the first event."""
    return [
        place
        for place, event_ms in enumerate(times_ms)
        if place
        and place == restart
        and (event_ms // size_ms + 1) * size_ms <= max(times_ms[:place]) - bound_ms
    ]


def those_with_letters(times_ms: Times, bound_ms: int, size_ms: int, restart: int) -> list[int]:
    """Return those that the source judged to be late."""
    lost = []
    for place, event_ms in enumerate(times_ms):
        since = times_ms[restart if place >= restart else 0 : place]
        if since and (event_ms // size_ms + 1) * size_ms <= max(since) - bound_ms:
            lost.append(place)
    return lost


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first event of another fate: what its judge knew, and what its window knew."""
    times_ms, bound_ms, size_ms, restart = args
    place = min(set(got) ^ set(expected))
    since = times_ms[restart if place >= restart else 0 : place]
    ever = times_ms[:place]
    judge, window = (short(max(t) - bound_ms - 1) if t else "none" for t in (since, ever))
    last_ms = times_ms[place] // size_ms * size_ms + size_ms - 1
    return (
        f"place {place}, t={short(times_ms[place])}: the last millisecond of its window is "
        f"{short(last_ms)}\nthe judge's watermark is {judge}, that of the window is {window}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Let the first event of another fate meet the watermark that its window knows."""
    times_ms, bound_ms, size_ms, _ = args
    place = min(set(got) ^ set(expected))
    if not place:
        return None
    held_ms = max(times_ms[:place]) - bound_ms - 1
    return meeting(times_ms[place], held_ms, figure="window_life", size_ms=size_ms)


def random_case(rng: Random) -> Args:
    """Draw a log with late events, and a restart somewhere in it."""
    size_ms, bound_ms = rng.choice([5_000, 10_000]), rng.choice([0, 1_000, 4_000])
    times: Times = []
    now_ms = rng.choice([-size_ms, 0, 3_000])
    for _ in range(rng.randrange(9)):
        now_ms += rng.choice([0, 1_000, size_ms])
        end_ms = now_ms // size_ms * size_ms
        times.append(rng.choice([now_ms, end_ms - 1, end_ms + bound_ms, end_ms + bound_ms - 1]))
    return times, bound_ms, size_ms, rng.randrange(len(times) + 1)


EXERCISE = Exercise(
    id="L12.1",
    name="vanished",
    kind="faded",
    minutes=10,
    task="Find the events that the usual job loses when it is started again.",
    reference=reference,
    cases=(
        ([14_000, 6_000], 4_000, 10_000, 1),
        ([14_000, 6_000], 4_000, 10_000, 0),
        ([14_000, 13_000, 6_000], 4_000, 10_000, 1),
        ([14_000, 6_000, 24_000, 7_000, 6_000], 4_000, 10_000, 1),
        ([14_000, 30_000, 31_000, 6_000, 21_000], 0, 10_000, 2),
        ([13_999, 9_000, 8_000], 4_000, 10_000, 1),
        ([10_000, 2_000, 3_000], 4_000, 10_000, 2),
        ([0, -1, -2_000, 5_000, -3_000], 0, 5_000, 2),
        ([3_000, -2_000], 0, 5_000, 1),
        ([2_000, 20_000], 1_000, 5_000, 2),
        ([20_000, 1_000, 12_000, 3_000, 1_000], 1_000, 5_000, 1),
        ([14_000, 6_000, 24_000], 4_000, 10_000, 3),
        ([], 4_000, 10_000, 0),
    ),
    random_case=random_case,
    equivalent={
        "if forgotten and is_closed(last_ms, times_ms[:first], bound_ms):": (
            "what is not closed by the events since was closed by those before"
        ),
    },
    trace=trace,
    scene=scene,
    rule=(
        "After a restart "  # no claim: ours
        "the window still knows its watermark, and the judge at the source knows none."
    ),
    next_step="Who still knows that this event's window is closed, and who has forgotten it?",
    hints=(
        "Which of the two watermarks is in the checkpoint?",
        "Which events does the judge know of, if the job was started again before `restart`?",
        "What becomes of an event that its judge lets pass, and that comes to a closed window?",
    ),
    discussion=(
        "No letter, no error, and a sum that is too small: only where the job has recovered. With "
        "the maximum of each partition in state, judge and window know the same. Go further: how "
        "long after a restart does the usual job go on losing?"
    ),
    misconceptions=(
        Misconception(
            name="nothing-vanishes",
            answer=nothing_vanishes,
            rule="What the judge lets pass, a closed window drops: nobody writes a letter.",
            next_step="Is the window of this event open when the event comes to it?",
        ),
        Misconception(
            name="all-that-are-late",
            answer=all_that_are_late,
            rule="A late event that its judge finds late has its letter, and is not lost.",
            next_step="Which watermark did the judge have when this event came?",
        ),
        Misconception(
            name="all-late-ones-since",
            answer=all_late_ones_since,
            rule="The judge gets a watermark again from what comes after the restart.",
            next_step="Which events has the judge seen since the restart?",
        ),
        Misconception(
            name="only-the-first",
            answer=only_the_first,
            rule="The first event gives the judge some watermark, not the one it had.",
            next_step="How far is the judge's watermark behind that of the window by then?",
        ),
        Misconception(
            name="those-with-letters",
            answer=those_with_letters,
            rule="An event that is judged late goes to the dead letters: that is no loss.",
            next_step="Which events are judged on time, and dropped all the same?",
        ),
    ),
)
