"""L10.2: the guarded upsert."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

Rows = list[list[Json]]


def reference(rows: Rows) -> dict[str, Json]:
    """Return the newest row of each key, and for each row whether it was newer than all before."""
    taken = []
    for place, (key, end_ms, revision, _) in enumerate(rows):
        before = [(row[1], row[2]) for row in rows[:place] if row[0] == key]
        taken.append(all((end_ms, revision) > identity for identity in before))
    store = {row[0]: row[1:] for row, is_newer in zip(rows, taken, strict=True) if is_newer}
    return {"store": store, "taken": taken}


def takes_all(rows: Rows) -> dict[str, Json]:
    """Take whatever comes."""
    return {"store": {key: row for key, *row in rows}, "taken": [True for _ in rows]}


def both_must_grow(rows: Rows) -> dict[str, Json]:
    """Ask for a revision that is greater, too."""
    store: dict[str, list[Json]] = {}
    taken = []
    for key, end, revision, value in rows:
        held = store.get(key)
        newer = held is None or (end >= held[0] and revision > held[1])
        if newer:
            store[key] = [end, revision, value]
        taken.append(newer)
    return {"store": store, "taken": taken}


def window_alone(rows: Rows) -> dict[str, Json]:
    """Ask for a later window, and refuse corrections."""
    store: dict[str, list[Json]] = {}
    taken = []
    for key, end, revision, value in rows:
        newer = key not in store or end > store[key][0]
        if newer:
            store[key] = [end, revision, value]
        taken.append(newer)
    return {"store": store, "taken": taken}


def same_again(rows: Rows) -> dict[str, Json]:
    """Take a row of the same window and revision again."""
    store: dict[str, list[Json]] = {}
    taken = []
    for key, end, revision, value in rows:
        newer = key not in store or [end, revision] >= store[key][:2]
        if newer:
            store[key] = [end, revision, value]
        taken.append(newer)
    return {"store": store, "taken": taken}


def one_guard(rows: Rows) -> dict[str, Json]:
    """Compare with the newest row of any key."""
    store: dict[str, list[Json]] = {}
    taken = []
    newest = None
    for key, end, revision, value in rows:
        newer = newest is None or (end, revision) > newest
        if newer:
            newest = (end, revision)
            store[key] = [end, revision, value]
        taken.append(newer)
    return {"store": store, "taken": taken}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first row whose fate differs beside what its key holds then."""
    (rows,) = args
    index = first_difference(got["taken"], expected["taken"])
    if index < len(rows):
        key = rows[index][0]
        held = reference(rows[:index])["store"].get(key)
        now = f"window end {short(held[0])}, revision {held[1]}" if held else "nothing"
        fate = {"True": "take it", "False": "refuse it"}.get(item(got["taken"], index), "say no")
        return (
            f"row {index + 1} of {key!r}: window end {short(rows[index][1])}, revision "
            f"{rows[index][2]}; the store holds {now}; you {fate}"
        )
    return f"every row has the right fate; your store holds {short(got['store'])}"


def random_case(rng: Random) -> Args:
    """Draw up to eight rows; rows of one key, window and revision say the same."""
    rows: Rows = []
    for _ in range(rng.randrange(9)):
        key, end, revision = rng.choice("ab"), rng.choice([-5, 0, 10, 20]), rng.randrange(3)
        rows.append([key, end * 1_000, revision, end + revision * 7 - 6])
    return (rows,)


EXERCISE = Exercise(
    id="L10.2",
    name="upsert_rows",
    kind="independent",
    minutes=12,
    task="Take a row only if its window end and revision are newer than what its key holds.",
    reference=reference,
    cases=(
        ([["a", 10_000, 0, 12], ["a", 20_000, 0, 5]],),
        ([["a", 20_000, 0, 5], ["a", 10_000, 1, 13]],),
        ([["a", 10_000, 0, 12], ["a", 10_000, 1, 13], ["a", 10_000, 0, 12]],),
        ([["a", 10_000, 2, 12], ["a", 20_000, 0, 5], ["a", 20_000, 0, 5]],),
        ([["a", 10_000, 0, 12], ["a", 10_000, 0, 13]],),
        ([["a", 20_000, 0, 5], ["b", 10_000, 0, 0], ["b", 10_000, 1, 1]],),
        ([["a", -5_000, 0, 1], ["a", 0, 0, 0], ["a", -5_000, 1, 2]],),
        ([],),
    ),
    random_case=random_case,
    trace=trace,
    rule="A row is newer by its window end; within one window it is newer by its revision.",
    next_step="Which of the two numbers decides here, and which comes into play only if it ties?",
    hints=(
        "What does a row say about itself, besides its value?",
        "When does the revision matter: always, or only in one window?",
        "How does Python compare (10, 1) with (20, 0)?",
    ),
    discussion=(
        "Whatever the order, the same rows leave the same store: that is what makes the write safe "
        "to repeat. Go further: rows of one identity could say something else, if a key came "
        "through two logs. What would decide then, so that order still does not matter?"
    ),
    second='''def upsert_rows(rows):
    """Two questions in a row, as one would ask them aloud."""
    store, taken = {}, []
    for key, end_ms, revision, value in rows:
        held_end_ms, held_revision, _ = store.get(key, (float("-inf"), 0, 0))
        if end_ms == held_end_ms:
            is_newer = revision > held_revision
        else:
            is_newer = end_ms > held_end_ms
        if is_newer:
            store[key] = [end_ms, revision, value]
        taken.append(is_newer)
    return {"store": store, "taken": taken}
''',
    equivalent={
        "is_newer = key not in store or row[:2] > store[key][:3]": "of two lists that begin alike "
        "the shorter one is smaller, so that equal identities are not newer either"
    },
    misconceptions=(
        Misconception(
            name="older-overwrites",
            answer=takes_all,
            rule="What was sent earlier may arrive later: the last to come need not be the newest.",
            next_step="Which window does the key hold, and which window is this row of?",
        ),
        Misconception(
            name="equal-revision-skipped",
            answer=both_must_grow,
            rule="Each window begins with revision 0: a later one is newer whatever its revision.",
            next_step="Is the revision of another window of any interest here?",
        ),
        Misconception(
            name="correction-refused",
            answer=window_alone,
            rule="A correction has the same window end as its result: the revision makes it newer.",
            next_step="What is the only thing in which a correction differs from the first result?",
        ),
        Misconception(
            name="same-again",
            answer=same_again,
            rule="A row with the identity of what is held is a repetition, and no news.",
            next_step="What would a store that counts what it takes say after a restart?",
        ),
        Misconception(
            name="one-guard-for-all",
            answer=one_guard,
            rule="A key is compared with what *it* holds: what another key holds does not matter.",
            next_step="Of which key is the row that you compare with?",
        ),
    ),
)
