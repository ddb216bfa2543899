"""L15.4: repair books that do not close although nothing is lost."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Rows = list[list[int]]


def reference(came: int, rows: Rows, letters: list[str], held: list[list[int]]) -> int:
    """Return how many payments are in no window and no letter."""
    newest: dict[int, tuple[int, int]] = {}
    for start_ms, revision, count in rows:
        newest[start_ms] = max(newest.get(start_ms, (-1, 0)), (revision, count))
    is_held = {start_ms for start_ms, _ in held}
    told = sum(count for start_ms, (_, count) in newest.items() if start_ms not in is_held)
    return came - told - sum(count for _, count in held) - len({*letters})


def adds_revisions(came: int, rows: Rows, letters: list[str], held: list[list[int]]) -> int:
    """Add up all rows, also the corrections of one window."""
    is_held = {start for start, _ in held}
    told = sum(count for start, _, count in rows if start not in is_held)
    return came - told - sum(count for _, count in held) - len(set(letters))


def letters_twice(came: int, rows: Rows, letters: list[str], held: list[list[int]]) -> int:
    """Count a letter as often as it was delivered."""
    counts = {start: count for start, _, count in sorted(rows, key=lambda row: row[1])}
    counts |= {start: count for start, count in held}
    return came - sum(counts.values()) - len(letters)


def told_and_held(came: int, rows: Rows, letters: list[str], held: list[list[int]]) -> int:
    """Count a window that was told and waits for corrections as told and as held."""
    counts = {start: count for start, _, count in sorted(rows, key=lambda row: row[1])}
    return came - sum(counts.values()) - sum(count for _, count in held) - len(set(letters))


def forgets_the_open(came: int, rows: Rows, letters: list[str], held: list[list[int]]) -> int:
    """Count what was told and reported, as if the stream had ended."""
    counts = {start: count for start, _, count in sorted(rows, key=lambda row: row[1])}
    return came - sum(counts.values()) - len(set(letters))


def last_delivered(came: int, rows: Rows, letters: list[str], held: list[list[int]]) -> int:
    """Take the row of a window that was delivered last."""
    counts = {start: count for start, _, count in rows}
    counts |= {start: count for start, count in held}
    return came - sum(counts.values()) - len(set(letters))


def trace(args: Args, got: Json, expected: Json) -> str:
    """Write the page of the books."""
    came, rows, letters, held = args
    newest = {start_ms: count for start_ms, _, count in sorted(rows, key=lambda row: row[1])}
    open_now = dict(held)
    told = {start_ms: count for start_ms, count in newest.items() if start_ms not in open_now}
    return (
        f"{came} came; told and done {short(sum(told.values()))}, held "
        f"{short(sum(open_now.values()))}, letters {short(len({*letters}))}"
    )


def random_case(rng: Random) -> Args:
    """Draw windows with corrections, repeated rows and letters, and windows that are held."""
    rows, held, came = [], [], 0
    for start_ms in rng.sample([-10_000, 0, 10_000, 20_000, 30_000], rng.randrange(6)):
        count = 0
        for revision in range(rng.randrange(4)):
            count = max(1, count + rng.randrange(-1, 4))
            rows.append([start_ms, revision, count])
        if not count or rng.random() < 0.4:
            count += rng.randrange(3)
            held.append([start_ms, count])
        came += count
    rows += rng.sample(rows, rng.randrange(len(rows) + 1))
    rng.shuffle(rows)
    letters = rng.choices(["p0/7", "p0/9", "p1/7", "p1/8"], k=rng.randrange(5))
    return came + len({*letters}) + rng.choice([0, 0, 1, 3]), rows, letters, held


EXERCISE = Exercise(
    id="L15.4",
    name="nowhere",
    kind="bug hunt",
    minutes=12,
    task="Repair the books: return how many payments are in no window and in no letter.",
    reference=reference,
    cases=(
        (5, [[0, 0, 3], [10_000, 0, 2]], [], []),
        (5, [[0, 0, 3], [10_000, 0, 1]], [], []),
        (5, [[0, 0, 3], [0, 1, 4]], ["p0/7"], []),
        (5, [[0, 1, 4], [0, 0, 3]], ["p0/7"], []),
        (5, [[0, 1, 4], [0, 0, 3], [0, 1, 4]], ["p0/7"], []),
        (6, [[-10_000, 0, 3]], ["p0/7", "p1/7", "p0/7"], []),
        (6, [[0, 0, 3]], [], [[10_000, 3]]),
        (6, [[0, 0, 3], [0, 1, 4]], [], [[0, 4], [10_000, 2]]),
        (4, [[0, 0, 4], [0, 1, 3]], ["p0/7"], []),
        (0, [], [], []),
        (3, [], ["p0/7"], [[0, 0]]),
    ),
    random_case=random_case,
    trace=trace,
    rule="Each payment is in one place: the newest count of its window, or one letter.",
    next_step="Which payment do your books count twice, or not at all?",
    hints=(
        "How many payments does a window hold that was told twice, first 3 and then 4?",
        "Where is a payment of a window that was told, and is held for corrections?",
        "Which two letters are about the same payment?",
    ),
    discussion=(
        "Books that take `open` for whatever is missing close each time: a test that cannot fail. "
        "Each of the terms has to be counted by itself, by somebody else than the job if that is "
        "possible. Go further: what do the books of sliding windows count?"
    ),
    misconceptions=(
        Misconception(
            name="adds-revisions",
            answer=adds_revisions,
            rule="A correction replaces the row of its window: only the newest revision counts.",
            next_step="How many payments has a window whose rows say 3 and then 4?",
        ),
        Misconception(
            name="letters-twice",
            answer=letters_twice,
            rule="A letter may be delivered twice. Its name says what it is about.",
            next_step="Which two of these letters are about one payment?",
        ),
        Misconception(
            name="told-and-held",
            answer=told_and_held,
            rule="A window that waits for corrections was told and is held: it counts once.",
            next_step="Which window is in the rows and in what is held?",
        ),
        Misconception(
            name="forgets-the-open",
            answer=forgets_the_open,
            rule="As long as the stream goes on, payments are in windows that are open.",
            next_step="Which payments has nobody told yet, and are they lost?",
        ),
        Misconception(
            name="last-delivered",
            answer=last_delivered,
            rule="Rows are delivered in any order: the newest is that of the largest revision.",
            next_step="Which row of this window is the newest?",
        ),
    ),
)
