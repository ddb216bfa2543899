"""L11.3: repair a query that never lets go."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab11_pyflink.meaning import problem, rows
from studykit.exercises.wording import counted, short


def reference(size_s: int, slide_s: int) -> str:
    """Return the query: windows by their start and their end."""
    return (
        "SELECT card, window_start, COUNT(*), SUM(amount) FROM TABLE(HOP(TABLE payments, "
        f"DESCRIPTOR(rt), INTERVAL '{slide_s}' SECOND, INTERVAL '{size_s}' SECOND)) "
        "GROUP BY card, window_start, window_end"
    )


def start_only(size_s: int, slide_s: int) -> str:
    """Group by the start alone, as found in production."""
    return (
        "SELECT card, window_start, COUNT(*), SUM(amount) FROM TABLE(HOP(TABLE payments, "
        f"DESCRIPTOR(rt), INTERVAL '{slide_s}' SECOND, INTERVAL '{size_s}' SECOND)) "
        "GROUP BY card, window_start"
    )


def size_first(size_s: int, slide_s: int) -> str:
    """Give the size before the slide."""
    return (
        "SELECT card, window_start, COUNT(*), SUM(amount) FROM TABLE(HOP(TABLE payments, "
        f"DESCRIPTOR(rt), INTERVAL '{size_s}' SECOND, INTERVAL '{slide_s}' SECOND)) "
        "GROUP BY card, window_start, window_end"
    )


def tumbles(size_s: int, slide_s: int) -> str:
    """Let windows follow each other without overlap."""
    return (
        "SELECT card, window_start, COUNT(*), SUM(amount) FROM TABLE(TUMBLE(TABLE payments, "
        f"DESCRIPTOR(rt), INTERVAL '{size_s}' SECOND)) GROUP BY card, window_start, window_end"
    )


def all_cards_at_once(size_s: int, slide_s: int) -> str:
    """Group by the window alone."""
    return (
        "SELECT MIN(card), window_start, COUNT(*), SUM(amount) FROM TABLE(HOP(TABLE payments, "
        f"DESCRIPTOR(rt), INTERVAL '{slide_s}' SECOND, INTERVAL '{size_s}' SECOND)) "
        "GROUP BY window_start, window_end"
    )


def selects_more_than_it_groups(size_s: int, slide_s: int) -> str:
    """Select the card, and group by the window alone."""
    return (
        "SELECT card, window_start, COUNT(*), SUM(amount) FROM TABLE(HOP(TABLE payments, "
        f"DESCRIPTOR(rt), INTERVAL '{slide_s}' SECOND, INTERVAL '{size_s}' SECOND)) "
        "GROUP BY window_start, window_end"
    )


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Say what the query gives on the log of the lab, beside what is asked for."""
    mine, right = rows(got), rows(expected)
    if problem(mine):
        return problem(mine)
    kinds = {change[0] for change in mine}
    if kinds - {"+I"}:
        return (
            f"eight payments give {counted(len(mine), 'change')}, and rows are taken back: the "
            "windows never fire, and none is ever let go"
        )
    wrong = [row[1:] for row in mine if row not in right]
    missing = [row[1:] for row in right if row not in mine]
    return (
        f"on the eight payments of this lab it gives {counted(len(mine), 'row')}\n"
        f"too many: {short(wrong[:2])}; missing: {short(missing[:2])}"
    )


def random_case(rng: Random) -> Args:
    """Draw a slide, and a size that is a multiple of it."""
    slide_s = rng.choice([1, 2, 5, 6, 10])
    return slide_s * rng.choice([1, 2, 3]), slide_s


EXERCISE = Exercise(
    id="L11.3",
    name="sums_sql",
    kind="bug hunt",
    minutes=12,
    task="Repair a query whose state grows for ever.",
    reference=reference,
    cases=((10, 5), (10, 10), (20, 5), (6, 2), (12, 6), (5, 5)),
    random_case=random_case,
    hidden="a row for each card and window, once the window is complete",
    fingerprint=rows,
    meaning="the rows that your query gives",
    trace=trace,
    rule="A window fires, and is let go, where a query groups by its start and its end.",
    next_step="What tells the query that a group will not change any more?",
    hints=(
        "Of the rows that come out, how many are taken back later?",
        "A group by a start has no end: how could anybody know that it is complete?",
        "Which two columns of the window function have to stand in GROUP BY, besides the card?",
    ),
    discussion=(
        "Selected or not, the end belongs into GROUP BY. Without it every sum is right in the end, "
        "rows are updates, the state is for ever, and an append-only sink refuses it: good luck, "
        "for with another sink nobody notices for months. Go further: what would the same query "
        "without its start do?"
    ),
    misconceptions=(
        Misconception(
            name="start-only",
            answer=start_only,
            rule="By the start alone it is an ordinary group: updated for ever, and never let go.",
            next_step="Which column says when a window is over?",
        ),
        Misconception(
            name="size-first",
            answer=size_first,
            rule="HOP takes the slide first, and then the size.",
            next_step="Which of your two spans is the one from start to start?",
        ),
        Misconception(
            name="tumbles",
            answer=tumbles,
            rule="With a slide shorter than the size a payment is in several windows.",
            next_step="How many windows of 10 s hold a payment if one begins every 5 s?",
        ),
        Misconception(
            name="all-cards-at-once",
            answer=all_cards_at_once,
            rule="A sum for each card needs the card among the groups.",
            next_step="Whose payments are in one of your rows?",
        ),
        Misconception(
            name="selects-more-than-it-groups",
            answer=selects_more_than_it_groups,
            rule="What is selected is grouped, or goes through a function such as SUM.",
            next_step="Which card would a row with the payments of two cards name?",
        ),
    ),
)
