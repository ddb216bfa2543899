"""L11.6: a function that is called once for a window."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

Line = tuple[int, int, int]


def parsed(lines: str | None) -> list[Line]:
    """Return event time, cents and the watermark that each payment met, in ms."""
    found = []
    for line in (lines or "").split(";"):
        if line:
            event_ms, cents, watermark_ms = line.split()
            found.append((int(event_ms), int(cents), int(watermark_ms)))
    return found


def reference(lines: str | None, end_ms: int) -> dict[str, int] | None:
    """Return count, sum and longest gap of what found the window open; None without any."""
    inside = sorted((e, c) for e, c, watermark_ms in parsed(lines) if watermark_ms < end_ms - 1)
    if not inside:
        return None
    times = [event_ms for event_ms, _ in inside]
    return {
        "count": len(inside),
        "sum_cents": sum(cents for _, cents in inside),
        "longest_gap_ms": max((after - before for before, after in pairwise(times)), default=0),
    }


def as_they_came(lines: str | None, end_ms: int) -> dict[str, int] | None:
    """Take the order of the text for that of the events."""
    rows = [[int(part) for part in line.split()] for line in (lines or "").split(";") if line]
    rows = [row for row in rows if row[2] < end_ms - 1]
    if not rows:
        return None
    gaps = [after[0] - before[0] for before, after in pairwise(rows)]
    return {
        "count": len(rows),
        "sum_cents": sum(row[1] for row in rows),
        "longest_gap_ms": max(gaps, default=0),
    }


def takes_all(lines: str | None, end_ms: int) -> dict[str, int] | None:
    """Count what came too late for this window as well."""
    rows = [[int(part) for part in line.split()] for line in (lines or "").split(";") if line]
    if not rows:
        return None
    times = sorted(row[0] for row in rows)
    gaps = [after - before for before, after in pairwise(times)]
    return {
        "count": len(rows),
        "sum_cents": sum(row[1] for row in rows),
        "longest_gap_ms": max(gaps, default=0),
    }


def drops_what_is_behind(lines: str | None, end_ms: int) -> dict[str, int] | None:
    """Drop every payment that was behind the watermark that it met."""
    rows = [[int(part) for part in line.split()] for line in (lines or "").split(";") if line]
    rows = [row for row in rows if row[2] < row[0]]
    if not rows:
        return None
    times = sorted(row[0] for row in rows)
    gaps = [after - before for before, after in pairwise(times)]
    return {
        "count": len(rows),
        "sum_cents": sum(row[1] for row in rows),
        "longest_gap_ms": max(gaps, default=0),
    }


def open_until_the_end(lines: str | None, end_ms: int) -> dict[str, int] | None:
    """Keep a window open for its last millisecond, too."""
    rows = [[int(part) for part in line.split()] for line in (lines or "").split(";") if line]
    rows = [row for row in rows if row[2] < end_ms]
    if not rows:
        return None
    times = sorted(row[0] for row in rows)
    gaps = [after - before for before, after in pairwise(times)]
    return {
        "count": len(rows),
        "sum_cents": sum(row[1] for row in rows),
        "longest_gap_ms": max(gaps, default=0),
    }


def zeros_for_nothing(lines: str | None, end_ms: int) -> dict[str, int] | None:
    """Give a row of zeros where nothing is left."""
    rows = [[int(part) for part in line.split()] for line in (lines or "").split(";") if line]
    rows = [row for row in rows if row[2] < end_ms - 1]
    times = sorted(row[0] for row in rows)
    gaps = [after - before for before, after in pairwise(times)]
    return {
        "count": len(rows),
        "sum_cents": sum(row[1] for row in rows),
        "longest_gap_ms": max(gaps, default=0),
    }


def trace(args: Args, got: Json, expected: Json) -> str:
    """List the payments by event time, and say which of them found the window open."""
    lines, end_ms = args
    said = [
        f"{short(event_ms)} for {short(cents)} met W={short(watermark_ms)}: "
        f"{'in' if watermark_ms < end_ms - 1 else 'too late for this window'}"
        for event_ms, cents, watermark_ms in sorted(parsed(lines))
    ]
    field = ""
    if isinstance(got, dict) and isinstance(expected, dict):
        wrong = [name for name in expected if got.get(name) != expected[name]]
        field = f"\nwrong: {', '.join(wrong)}" if wrong else ""
    return f"{'; '.join(said) or 'no payment'}\nthe window fires at {short(end_ms - 1)}{field}"


def random_case(rng: Random) -> Args:
    """Draw the lines of a window, some of which came when it had fired."""
    end_ms = rng.choice([5_000, 10_000, 60_000])
    watermarks = [-9_000, 0, end_ms - 2_000, end_ms - 2, end_ms - 1, end_ms, end_ms + 5_000]
    lines = [
        f"{rng.choice([end_ms - 1, end_ms - 1_000, end_ms - 4_000, end_ms - 5_000])} "
        f"{rng.choice([0, 5, -5, 700])} {rng.choice(watermarks)}"
        for _ in range(rng.randrange(6))
    ]
    return (";".join(lines) if lines else rng.choice([None, "", None])), end_ms


EXERCISE = Exercise(
    id="L11.6",
    name="finished",
    kind="independent",
    minutes=15,
    task="Finish a window: one call for all of its payments, which travel as one text.",
    reference=reference,
    cases=(
        ("1000 500 -4001;5000 700 -3001", 10_000),
        ("5000 700 -4001;1000 500 999;9000 5 999", 10_000),
        ("1000 500 -4001;2000 9 9999", 10_000),
        ("1000 500 9998;2000 9 10000", 10_000),
        ("1000 500 3000;2000 9 4000", 5_000),
        ("1000 500 9999", 10_000),
        ("7000 0 0;3000 -5 0;3000 -5 0", 10_000),
        ("-1000 5 -9000;-4000 6 -9000;-9500 7 -9000", 0),
        ("9999 12 -1", 10_000),
        ("1000 500 0;;2000 9 0;", 10_000),
        (None, 10_000),
        ("", 60_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="Of a window's payments those count that found it open, in the order of their times.",
    next_step="Which watermark did each payment meet, and had this window fired by then?",
    hints=(
        "A text of payments is in no order that you may rely on: what do you sort by?",
        "A payment may be in time for one window and too late for another: which number says so?",
        "What does a reader take a row for whose count is 0, and what does None say?",
    ),
    discussion=(
        "Java gathers, and Python is called once for a window and not for a payment: that is how "
        "the production job has both speed and one set of rules. It carries the watermark in each "
        "line, so that one function judges every window. Go further: a window with a million "
        "payments. What happens to the text?"  # no claim: ours
    ),
    misconceptions=(
        Misconception(
            name="as-they-came",
            answer=as_they_came,
            rule=(
                "Lines come as they arrived, or as two subtasks happened to "  # no claim: ours
                "send them: sort."
            ),
            next_step="Which of the payments happened first?",
        ),
        Misconception(
            name="takes-all",
            answer=takes_all,
            rule="A payment that came when the window had fired is in its dead letter, not here.",
            next_step="Which watermark did the last line meet?",
        ),
        Misconception(
            name="drops-what-is-behind",
            answer=drops_what_is_behind,
            rule="Behind the watermark is not late: the window's end decides.",
            next_step="Had the window fired when this payment came?",
        ),
        Misconception(
            name="open-until-the-end",
            answer=open_until_the_end,
            rule="A window fires when W is at its last millisecond, which is end - 1.",
            next_step="Which watermark is the first at which the window is closed?",
        ),
        Misconception(
            name="zeros-for-nothing",
            answer=zeros_for_nothing,
            rule="A window without payments has no row: a zero would be a statement about it.",
            next_step="What does a reader make of a row with count 0?",
        ),
    ),
)
