"""L11.5: which events are late when the watermark has to wait for a bundle."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, meeting
from studykit.exercises.wording import short

Times = list[int]


def reference(times_ms: Times, bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    """Return the places of the late events: judged by what earlier bundles have moved."""
    late = []
    for place, event_ms in enumerate(times_ms):
        earlier = times_ms[: place // bundle * bundle]
        last_ms = (event_ms // size_ms + 1) * size_ms - 1
        if earlier and last_ms <= max(earlier) - bound_ms - 1:
            late.append(place)
    return late


def record_by_record(times_ms: Times, bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    """Let the watermark follow every event."""
    return [
        place
        for place, event_ms in enumerate(times_ms)
        if place and (event_ms // size_ms + 1) * size_ms <= max(times_ms[:place]) - bound_ms
    ]


def own_bundle_too(times_ms: Times, bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    """Judge a bundle by all of its events."""
    return [
        place
        for place, event_ms in enumerate(times_ms)
        if (event_ms // size_ms + 1) * size_ms
        <= max(times_ms[: place // bundle * bundle + bundle]) - bound_ms
    ]


def one_bundle_behind(times_ms: Times, bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    """Hold the watermark for a whole further bundle."""
    late = []
    for place, event_ms in enumerate(times_ms):
        earlier = times_ms[: max(place // bundle - 1, 0) * bundle]
        if earlier and (event_ms // size_ms + 1) * size_ms <= max(earlier) - bound_ms:
            late.append(place)
    return late


def last_of_the_bundle(times_ms: Times, bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    """Take the last event of the bundle before for the newest."""
    late = []
    for place, event_ms in enumerate(times_ms):
        first = place // bundle * bundle
        if first and (event_ms // size_ms + 1) * size_ms <= times_ms[first - 1] - bound_ms:
            late.append(place)
    return late


def shrinks_the_bound(times_ms: Times, bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    """Judge the event by the held watermark, and not its window."""
    late = []
    for place, event_ms in enumerate(times_ms):
        earlier = times_ms[: place // bundle * bundle]
        if earlier and event_ms <= max(earlier) - bound_ms - 1:
            late.append(place)
    return late


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first event whose verdict differs, with what its bundle has met."""
    times_ms, bound_ms, size_ms, bundle = args
    place = min(set(got) ^ set(expected))
    first = place // bundle * bundle
    moved = f"W={short(max(times_ms[:first]) - bound_ms - 1)}" if first else "no watermark yet"
    last_ms = (times_ms[place] // size_ms + 1) * size_ms - 1
    fate = "late" if place in expected else "not late"
    return (
        f"trip {first // bundle + 1} takes the places {first} to {first + bundle - 1}; when it "
        f"travels there is {moved}\n"
        f"place {place}, t={short(times_ms[place])}: its window fires at {short(last_ms)}, so it "
        f"is {fate}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Let that event meet the watermark that was held for its bundle."""
    times_ms, bound_ms, size_ms, bundle = args
    place = min(set(got) ^ set(expected))
    first = place // bundle * bundle
    if not first:
        return None
    held_ms = max(times_ms[:first]) - bound_ms - 1
    return meeting(times_ms[place], held_ms, figure="window_life", size_ms=size_ms)


def random_case(rng: Random) -> Args:
    """Draw a log in which events come back to windows that are about to fire."""
    size_ms, bound_ms = rng.choice([5_000, 10_000]), rng.choice([0, 1_000, 4_000])
    times: Times = []
    now_ms = rng.choice([size_ms, 0, 3_000])
    for _ in range(rng.randrange(9)):
        now_ms += rng.choice([0, 1_000, size_ms])
        end_ms = now_ms // size_ms * size_ms
        times.append(
            max(rng.choice([now_ms, end_ms - 1, end_ms + bound_ms, end_ms + bound_ms - 1]), 0)
        )
    return times, bound_ms, size_ms, rng.choice([1, 2, 3, 4])


EXERCISE = Exercise(
    id="L11.5",
    name="late_in_bundles",
    kind="independent",
    minutes=15,
    task="Say which events are late when they travel in bundles.",  # no claim: name
    reference=reference,
    cases=(
        ([2_000, 14_000, 6_000], 4_000, 10_000, 1),
        ([2_000, 14_000, 6_000], 4_000, 10_000, 3),
        ([2_000, 14_000, 6_000, 9_999], 4_000, 10_000, 2),
        ([14_000, 30_000, 6_000, 12_000, 12_000, 12_000], 4_000, 10_000, 2),
        ([30_000, 2_000, 6_000, 29_000], 4_000, 10_000, 2),
        ([13_999, 9_000, 14_000, 9_000], 4_000, 10_000, 1),
        ([0, 5_000, 0, 4_999], 0, 5_000, 2),
        ([5_000, 9_999, 4_999, 10_000], 0, 5_000, 1),
        ([8_000, 2_000, 13_000, 9_000, 1_000], 1_000, 5_000, 4),
        ([12_000, 12_000, 12_000, 3_000, 30_000, 3_000, 3_000], 0, 10_000, 3),
        ([10_000, 2_000], 4_000, 10_000, 1),
        ([], 4_000, 10_000, 5),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule=(
        "An event is judged by the watermark of "  # claim: flink-python-bundle-holds-the-watermark
        "the bundles before its own."
    ),
    next_step="Which events had come back from Python when this one's bundle set out?",
    hints=(
        "In which bundle does an event travel, if each holds `bundle` of them?",
        "How far is the watermark when a bundle sets out, and what moves it meanwhile?",
        "Which of all events before it count for the watermark that an event meets?",
    ),
    discussion=(
        "One log, and another verdict for each size of a bundle; in earnest a bundle also ends "
        "after a second, and the load decides. "  # no claim: ours
        "So judge before anything travels, in SQL or in the source. "  # no claim: ours
        "Go further: is a larger bundle always more lenient?"
    ),
    misconceptions=(
        Misconception(
            name="record-by-record",
            answer=record_by_record,
            rule=(
                "The watermark does not "  # claim: flink-python-bundle-holds-the-watermark
                "overtake a bundle that is under way."
            ),
            next_step="Has the event that moves the watermark been to Python and back?",
        ),
        Misconception(
            name="moved-by-its-own",
            answer=own_bundle_too,
            rule=(
                "What travels in the same bundle moves the watermark behind it, "  # no claim: ours
                "not before."
            ),
            next_step="Which watermark was there when this bundle set out?",
        ),
        Misconception(
            name="one-trip-behind",
            answer=one_bundle_behind,
            rule=(
                "Once a bundle is back its watermark is let go, before the next "  # no claim: ours
                "one sets out."
            ),
            next_step="Which bundle is the last that is back when this one sets out?",
        ),
        Misconception(
            name="last-of-the-trip",
            answer=last_of_the_bundle,
            rule=(
                "A watermark is made of the newest event so far, wherever in a "  # no claim: ours
                "bundle that was."
            ),
            next_step="Which of all earlier events is the newest?",
        ),
        Misconception(
            name="judges-the-event",
            answer=shrinks_the_bound,
            rule="The window's end decides lateness, not the event.",
            next_step="Is the window of this event complete at this watermark?",
        ),
    ),
    equivalent={
        "last_ms = int(event_ms / size_ms) // 1 * size_ms + size_ms - 1": "no time is negative",
    },
    second=(
        "def late_in_bundles(times_ms, bound_ms, size_ms, bundle):\n"  # no claim: ours
        "    late, newest, waiting = [], None, []\n"
        "    for place, event_ms in enumerate(times_ms):\n"
        "        if newest is not None:\n"
        "            last_ms = event_ms // size_ms * size_ms + size_ms - 1\n"
        "            if last_ms <= newest - bound_ms - 1:\n"
        "                late.append(place)\n"
        "        waiting.append(event_ms)\n"
        "        if len(waiting) == bundle:\n"
        "            newest = max([*waiting, *([] if newest is None else [newest])])\n"
        "            waiting = []\n"
        "    return late\n"
    ),
)
