"""L04.5: the bridge that left two sessions."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import short, window
from studykit.trace.steps import Policy


def reference(sessions: list[list[int]], event_ms: int, gap_ms: int) -> list[list[int]]:
    """Return the sessions with one more event, merged with all that it touches."""
    start_ms, end_ms = event_ms, event_ms + gap_ms
    apart = []
    for start, end in sessions:
        if start <= event_ms + gap_ms and event_ms <= end:
            start_ms, end_ms = min(start_ms, start), max(end_ms, end)
        else:
            apart.append([start, end])
    return sorted([*apart, [start_ms, end_ms]])


def first_only(sessions: list[list[int]], event_ms: int, gap_ms: int) -> list[list[int]]:
    """Join the first session that is touched, and stop."""
    result = [list(session) for session in sessions]
    for session in result:
        if session[0] <= event_ms + gap_ms and event_ms <= session[1]:
            session[0] = min(session[0], event_ms)
            session[1] = max(session[1], event_ms + gap_ms)
            return sorted(result)
    return sorted([*result, [event_ms, event_ms + gap_ms]])


def keeps_absorbed(sessions: list[list[int]], event_ms: int, gap_ms: int) -> list[list[int]]:
    """Merge, and forget to remove the parts."""
    touched = [s for s in sessions if s[0] <= event_ms + gap_ms and event_ms <= s[1]]
    start_ms = min([event_ms, *(start for start, _ in touched)])
    end_ms = max([event_ms + gap_ms, *(end for _, end in touched)])
    return sorted([*sessions, [start_ms, end_ms]])


def shrinks(sessions: list[list[int]], event_ms: int, gap_ms: int) -> list[list[int]]:
    """Set the end by the new event, even where that is earlier."""
    touched = [s for s in sessions if s[0] <= event_ms + gap_ms and event_ms <= s[1]]
    start_ms = min([event_ms, *(start for start, _ in touched)])
    apart = [s for s in sessions if s not in touched]
    return sorted([*apart, [start_ms, event_ms + gap_ms]])


def touching_is_apart(sessions: list[list[int]], event_ms: int, gap_ms: int) -> list[list[int]]:
    """Merge only what overlaps."""
    touched = [s for s in sessions if s[0] < event_ms + gap_ms and event_ms < s[1]]
    start_ms = min([event_ms, *(start for start, _ in touched)])
    end_ms = max([event_ms + gap_ms, *(end for _, end in touched)])
    apart = [s for s in sessions if s not in touched]
    return sorted([*apart, [start_ms, end_ms]])


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show what the event opens, and which sessions that touches."""
    sessions, event_ms, gap_ms = args
    own = [event_ms, event_ms + gap_ms]
    touched = [s for s in sessions if s[0] <= own[1] and own[0] <= s[1]]
    listed = " and ".join(window(*session) for session in touched)
    starts, ends = zip(own, *touched, strict=True)
    reach = f": together they reach from {short(min(starts))} to {short(max(ends))}"
    told = f"the event opens {window(*own)}, which touches {listed or 'no session'}"
    told += reach if touched else ""
    if len(got) == len(expected):
        return told
    return f"{told}\nsessions in your result: {len(got)}; right: {len(expected)}"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show what the event joins: the sessions are made of events one gap apart at most."""
    sessions, event_ms, gap_ms = args
    times_ms = [
        time_ms
        for start_ms, end_ms in sessions
        for time_ms in [*range(start_ms, end_ms - gap_ms, gap_ms), end_ms - gap_ms]
    ]
    if event_ms < 0 or not sessions or sessions[0][0] < 0:
        return None
    return Scene(
        figure="assigners",
        events=arriving([*times_ms, event_ms]),
        policy=Policy(gap_ms=gap_ms),
        number=len(times_ms) + 1,
        about="The last event is that of the call; those before it make the sessions.",
        right_spans=spans(expected),
        your_spans=spans(got),
    )


def random_case(rng: Random) -> Args:
    """Draw sessions that lie apart, and an event among them."""
    gap_ms = rng.choice([500, 2_000, 5_000])
    sessions = []
    edges = []
    at = rng.choice([-9_000, 0])
    for _ in range(rng.randrange(4)):
        at += rng.choice([1, 1_000, 3_000, 9_000])
        end = at + gap_ms + rng.choice([0, 2_000])
        sessions.append([at, end])
        edges += [at, end, at - gap_ms]
        at = end
    near = rng.choice([*edges, rng.randrange(-12_000, at + 8_000, 500)])
    return sessions, near + rng.choice([-1, 0, 1]), gap_ms


EXERCISE = Exercise(
    id="L04.5",
    name="add_event",
    kind="bug hunt",
    minutes=15,
    task="Repair the session store: a new event merges every session that it touches.",
    reference=reference,
    cases=(
        ([], 3_000, 5_000),
        ([[0, 5_000]], 4_000, 5_000),
        ([[0, 5_000], [9_000, 14_000]], 4_500, 5_000),
        ([[0, 12_000]], 3_000, 5_000),
        ([[0, 5_000]], 5_000, 5_000),
        ([[0, 5_000], [20_000, 25_000]], 10_000, 5_000),
        ([[0, 2_000], [5_000, 7_000]], 3_000, 2_000),
        ([[-9_000, -6_000], [-2_000, 1_000]], -5_000, 3_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A new event makes one session of itself and all sessions that it overlaps or touches.",
    next_step="List the sessions that touch the event. Which start is smallest, which end largest?",
    hints=(
        "How many sessions can one event touch?",
        "Which of the old sessions must be gone after a merge?",
        "When do [start, end) and [event, event + gap) overlap or touch, in two comparisons?",
    ),
    discussion=(
        "Flink merges sessions as you do. "  # claim: flink-sessions-merge-when-they-touch
        "If one of the two had been printed already, its row must be taken back: a start that "
        "changes is a key that changes. Go further: how does a feature store find the old row?"
    ),
    misconceptions=(
        Misconception(
            name="first-only",
            answer=first_only,
            rule="An event between two sessions is a bridge: it makes one of both.",
            next_step="After joining a session, do you look at the others?",
        ),
        Misconception(
            name="keeps-the-parts",
            answer=keeps_absorbed,
            rule="What was merged is gone: no two sessions of a key overlap.",
            next_step="Which sessions do you take out of the list when you add the merged one?",
        ),
        Misconception(
            name="shrinks",
            answer=shrinks,
            rule="One more event never ends a session earlier: of all ends that merge the latest "
            "stays.",
            next_step="Which ends take part in the merge, and which of them do you keep?",
        ),
        Misconception(
            name="touching-is-apart",
            answer=touching_is_apart,
            rule="Sessions that touch are one: an event at exactly the end still joins.",
            next_step="Is 5_000 <= the end of [0, 5_000)?",
        ),
    ),
)
