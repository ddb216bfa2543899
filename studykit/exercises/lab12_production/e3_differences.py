"""L12.3: compare two programs row by row."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Rows = list[list[Json]]


def reference(ours: Rows, flinks: Rows) -> Rows:
    """Return each window that differs, with the values of both sides, by key and end."""
    by_window: dict[tuple[Json, ...], tuple[list[Json], list[Json]]] = {}
    for side, rows in enumerate((ours, flinks)):
        for key, end_ms, value in rows:
            by_window.setdefault((key, end_ms), ([], []))[side].append(value)
    return [
        [*window, sorted(mine), sorted(theirs)]
        for window, (mine, theirs) in sorted(by_window.items())
        if sorted(mine) != sorted(theirs)
    ]


def as_sets(ours: Rows, flinks: Rows) -> Rows:
    """Compare sets: what is there twice is there once."""
    found: dict[tuple[Json, ...], list[set[int]]] = {}
    for side, rows in enumerate((ours, flinks)):
        for key, end_ms, value in rows:
            found.setdefault((key, end_ms), [set(), set()])[side].add(value)
    return [
        [*window, sorted(mine), sorted(theirs)]
        for window, (mine, theirs) in sorted(found.items())
        if mine != theirs
    ]


def in_step(ours: Rows, flinks: Rows) -> Rows:
    """Compare the first row with the first, the second with the second."""
    found = []
    for mine, theirs in zip(ours, flinks, strict=False):
        if mine != theirs:
            found.append([mine[0], mine[1], [mine[2]], [theirs[2]]])
    return sorted(found)


def ours_only(ours: Rows, flinks: Rows) -> Rows:
    """Look for our windows in the other's rows, and not the other way round."""
    found: dict[tuple[Json, ...], list[list[int]]] = {}
    for key, end_ms, value in ours:
        found.setdefault((key, end_ms), [[], []])[0].append(value)
    for key, end_ms, value in flinks:
        if (key, end_ms) in found:
            found[key, end_ms][1].append(value)
    return [
        [*window, sorted(mine), sorted(theirs)]
        for window, (mine, theirs) in sorted(found.items())
        if sorted(mine) != sorted(theirs)
    ]


def last_one_wins(ours: Rows, flinks: Rows) -> Rows:
    """Keep one value for a window: the last."""
    mine = {(key, end_ms): value for key, end_ms, value in ours}
    theirs = {(key, end_ms): value for key, end_ms, value in flinks}
    return [
        [*window, *([side[window]] if window in side else [] for side in (mine, theirs))]
        for window in sorted({*mine, *theirs})
        if mine.get(window) != theirs.get(window)
    ]


def totals_of_windows(ours: Rows, flinks: Rows) -> Rows:
    """Compare the sums of a window's rows."""
    found: dict[tuple[Json, ...], list[list[int]]] = {}
    for side, rows in enumerate((ours, flinks)):
        for key, end_ms, value in rows:
            found.setdefault((key, end_ms), [[], []])[side].append(value)
    return [
        [*window, sorted(mine), sorted(theirs)]
        for window, (mine, theirs) in sorted(found.items())
        if sum(mine) != sum(theirs)
    ]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first window of which the answer says something else."""
    ours, flinks = args
    window = min(tuple(row[:2]) for row in [*got, *expected] if (row in got) != (row in expected))
    sides = [[row[2] for row in rows if tuple(row[:2]) == window] for rows in (ours, flinks)]
    said = "reported" if any(tuple(row[:2]) == window for row in got) else "not reported"
    return (
        f"{window[0]}, window that ends at {short(window[1])}: ours {short(sides[0])}, the other "
        f"{short(sides[1])}\nyou have {said} it"
    )


def random_case(rng: Random) -> Args:
    """Draw rows, and the same rows in another order with a few mistakes."""
    ours: Rows = [
        [rng.choice("ab"), rng.choice([0, 10_000, 20_000]), rng.choice([-5, 0, 5, 7])]
        for _ in range(rng.randrange(6))
    ]
    flinks = [list(row) for row in ours]
    rng.shuffle(flinks)
    for row in list(flinks):
        change = rng.choice(["", "", "", "twice", "gone", "other", "added"])
        if change == "twice":
            flinks.append(list(row))
        elif change == "gone":
            flinks.remove(row)
        elif change == "other":
            row[2] += 1
        elif change == "added":
            flinks.append([row[0], 30_000, row[2]])
    return ours, flinks


EXERCISE = Exercise(
    id="L12.3",
    name="differences",
    kind="independent",
    minutes=12,
    task="Compare the rows of two programs, and report each window that differs.",
    reference=reference,
    cases=(
        ([["a", 10_000, 5]], [["a", 10_000, 5]]),
        ([["a", 10_000, 5], ["b", 10_000, 7]], [["b", 10_000, 7], ["a", 10_000, 5]]),
        ([["a", 10_000, 5]], [["a", 10_000, 5], ["a", 10_000, 5]]),
        ([["a", 10_000, 5]], [["a", 10_000, 6]]),
        ([["a", 10_000, 5]], []),
        ([], [["b", 20_000, 0], ["a", 30_000, 1]]),
        ([["a", 0, 5], ["a", 0, 7]], [["a", 0, 6], ["a", 0, 6]]),
        ([["a", 0, 5], ["a", 0, 7]], [["a", 0, 7], ["a", 0, 5]]),
        ([["a", 0, 5], ["a", 0, 7]], [["a", 0, 7]]),
        ([["b", 0, 0], ["a", -10_000, -5]], [["a", -10_000, 5], ["b", 10_000, 0]]),
        ([], []),
    ),
    random_case=random_case,
    trace=trace,
    rule="Two programs agree if each window has the same rows, as often, in any order.",
    next_step="Which rows has each side for this window, and how often?",
    hints=(
        "What names a window, and what is said about it?",
        "Does the order of rows matter, and does their number?",
        "Which windows are in one of the two lists only, and what stands for the missing side?",
    ),
    discussion=(
        "In order of arrival two right programs differ, and as sets two wrong ones agree: what "
        "counts is which rows, and how often. Go further: which bug do two programs share that "
        "no comparison of the two ever finds?"
    ),
    second=(
        "def differences(ours, flinks):\n"
        "    found = []\n"
        "    for window in sorted({(key, end_ms) for key, end_ms, _ in [*ours, *flinks]}):\n"
        "        sides = [sorted(row[2] for row in rows if tuple(row[:2]) == window)\n"
        "                 for rows in (ours, flinks)]\n"
        "        if sides[0] != sides[1]:\n"
        "            found.append([*window, *sides])\n"
        "    return found\n"
    ),
    misconceptions=(
        Misconception(
            name="as-sets",
            answer=as_sets,
            rule="A set forgets how often a row is there: a row written twice looks right.",
            next_step="How often does each side have this row?",
        ),
        Misconception(
            name="in-step",
            answer=in_step,
            rule="Two programs fire windows in orders of their own: compare by window.",
            next_step="Which row of the other side belongs to the same key and end?",
        ),
        Misconception(
            name="ours-only",
            answer=ours_only,
            rule="A row that only the other program has is a difference, too.",
            next_step="Which windows does the other side have that ours has not?",
        ),
        Misconception(
            name="last-one-wins",
            answer=last_one_wins,
            rule="A dictionary keeps one value for a window; the others are never compared.",
            next_step="How many rows does each side have for this window?",
        ),
        Misconception(
            name="totals-of-windows",
            answer=totals_of_windows,
            rule="5 + 7 is 6 + 6: equal sums hide rows that differ.",
            next_step="Which two rows have the same sum as yours?",
        ),
    ),
)
