"""L09.7: a record that makes the job fail, again and again."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(records: list[list[Json]], restarts: int) -> dict[str, Json]:
    """Return what the repaired job has at its end, by a loop of attempts as the job makes them."""
    offset, total, used = 0, 0, 0
    letters: list[int] = []
    while offset < len(records):
        value, refused = records[offset]
        if value is None:
            letters.append(offset)
        else:
            attempt = 0
            while attempt < refused and attempt < restarts:
                attempt += 1
                used += 1
            if attempt < refused:
                return {"total": total, "letters": letters, "restarts": used, "stopped": offset}
            total += value
        offset += 1
    return {"total": total, "letters": letters, "restarts": used, "stopped": None}


def loops(records: list[list[Json]], restarts: int) -> dict[str, Json]:
    """Restart for a record that cannot be read, too."""
    total, used = 0, 0
    for offset, (value, refused) in enumerate(records):
        fails = restarts + 1 if value is None else refused
        used += min(fails, restarts)
        if fails > restarts:
            return {"total": total, "letters": [], "restarts": used, "stopped": offset}
        total += value
    return {"total": total, "letters": [], "restarts": used, "stopped": None}


def swallows(records: list[list[Json]], restarts: int) -> dict[str, Json]:
    """Go on behind a record that cannot be read, and tell nobody."""
    total, used = 0, 0
    for offset, (value, refused) in enumerate(records):
        if value is None:
            continue
        used += min(refused, restarts)
        if refused > restarts:
            return {"total": total, "letters": [], "restarts": used, "stopped": offset}
        total += value
    return {"total": total, "letters": [], "restarts": used, "stopped": None}


def letters_for_all(records: list[list[Json]], restarts: int) -> dict[str, Json]:
    """Write a dead letter for whatever fails, and never restart."""
    total, letters = 0, []
    for offset, (value, refused) in enumerate(records):
        if value is None or refused:
            letters.append(offset)
        else:
            total += value
    return {"total": total, "letters": letters, "restarts": 0, "stopped": None}


def gives_up_into_letters(records: list[list[Json]], restarts: int) -> dict[str, Json]:
    """Write a dead letter where the store refuses for too long, and go on."""
    total, used, letters = 0, 0, []
    for offset, (value, refused) in enumerate(records):
        if value is None:
            letters.append(offset)
            continue
        used += min(refused, restarts)
        if refused > restarts:
            letters.append(offset)
        else:
            total += value
    return {"total": total, "letters": letters, "restarts": used, "stopped": None}


def over_all(records: list[list[Json]], restarts: int) -> dict[str, Json]:
    """Count the restarts of the whole life against the limit."""
    total, used, letters = 0, 0, []
    for offset, (value, refused) in enumerate(records):
        if value is None:
            letters.append(offset)
            continue
        if used + refused > restarts:
            return {"total": total, "letters": letters, "restarts": restarts, "stopped": offset}
        used += refused
        total += value
    return {"total": total, "letters": letters, "restarts": used, "stopped": None}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the log, and name the first part of the result that differs."""
    records, restarts = args
    played = ", ".join(
        f"offset {at}: unreadable" if value is None else f"offset {at}: {value}"
        + (f" (refused {refused} times)" if refused else "")
        for at, (value, refused) in enumerate(records)
    )  # fmt: skip
    part = next((name for name in expected if got[name] != expected[name]), "total")
    return (
        f"{played or 'an empty log'}; at most {restarts} restarts in a row\n"
        f"{part}: {short(got[part])} instead of {short(expected[part])}"
    )


def random_case(rng: Random) -> Args:
    """Draw a short log: most records are fine, some unreadable, some refused for a while."""
    records = []
    for _ in range(rng.randrange(7)):
        unreadable = rng.random() < 0.25
        refused = rng.choice([0, 0, 1, 2, 3, 4])
        records.append([None, 0] if unreadable else [rng.randrange(-2, 9), refused])
    return records, rng.choice([0, 1, 2, 3])


EXERCISE = Exercise(
    id="L09.7",
    name="run_job",
    kind="bug hunt",
    minutes=15,
    task="Repair the job: data that nobody can read is a dead letter, what passes is tried again.",
    reference=reference,
    cases=(
        ([[5, 0], [None, 0], [3, 0]], 3),
        ([[5, 0], [9, 2], [3, 0]], 3),
        ([[5, 0], [9, 3], [3, 3]], 3),
        ([[5, 0], [9, 4], [3, 0]], 3),
        ([[None, 0], [2, 1], [None, 0], [4, 2]], 2),
        ([[1, 0], [None, 0], [6, 3], [7, 0]], 2),
        ([[0, 0], [-4, 1], [4, 1]], 1),
        ([[8, 1]], 0),
        ([[None, 0]], 0),
        ([], 3),
    ),
    random_case=random_case,
    trace=trace,
    rule="A restart cures what passes. Data does not pass: it is put aside, with its place.",
    next_step="Would this record be any different after another restart?",
    hints=(
        "Which of the two troubles is over after a while, and which never?",
        "Who will ever learn of a record that was skipped?",
        "How often may the job fail at one record before it stops for a person?",
    ),
    discussion=(
        "The two look alike in the log: an exception and a restart. What tells them apart is "
        # no claim: ours
        "whether the offset of the checkpoint moves. A refused record is not put aside: the next "
        "ones would be refused, too, and a whole day would lie among the dead letters. Go "
        "further: how does a job tell the two troubles apart, if both are one kind of exception?"
    ),
    misconceptions=(
        Misconception(
            name="restart-loop",
            answer=loops,
            rule="A record that cannot be read stays so: each restart comes back to it.",
            next_step="What is different at the second attempt?",
        ),
        Misconception(
            name="swallows-it",
            answer=swallows,
            rule="A record that is skipped without a letter is lost, and nobody knows.",
            next_step="Where can somebody find the record later, and its place?",
        ),
        Misconception(
            name="letters-for-all",
            answer=letters_for_all,
            rule="A store that is away for a moment is no fault of the record: try again.",
            next_step="Would this record have been taken a moment later?",
        ),
        Misconception(
            name="gives-up-into-letters",
            answer=gives_up_into_letters,
            rule="A store that is away is away for the next record, too: stop and call a person.",
            next_step="What becomes of all records that follow, if the store stays away?",
        ),
        Misconception(
            name="limit-for-life",
            answer=over_all,
            rule="The limit is for restarts in a row: a job that gets on has recovered.",
            next_step="Did the job get past a record since its last failure?",
        ),
    ),
)
