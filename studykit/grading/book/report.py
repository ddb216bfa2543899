"""What an instructor reads: flags first, then the class, the misconceptions and the details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape
from typing import Final

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark, as_text
from studykit.grading.book.page import bars, element, page, table
from studykit.grading.book.results import Graded
from studykit.grading.book.similarity import near_pairs

TIMINGS: Final = "timings.html"
"""The page of seconds, beside this one."""
SHOWN: Final = 40
"""As many bins a distribution has at most."""


def report_page(marks: Sequence[Mark], about: About) -> str:
    """Return the instructor's page."""
    body = [
        *_head(marks, about),
        *_flags(marks),
        *_distribution(marks, about),
        *_heat_map(marks, about),
        *_alike(marks),
        *_slowest(),
        *_everybody(marks, about),
        *_details(marks, about),
    ]
    return page(f"Report: {about.lab.name}", body)


def _head(marks: Sequence[Mark], about: About) -> Iterator[str]:
    yield element("h1", f"Lab {about.lab.number}: {about.lab.title.lower()}")
    states = Counter(mark.result.status for mark in marks)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(states.items()))
    yield element("p", f"{len(marks)} students: {counts}.")
    yield element("p", f"{about.isolation}.", "soft" if about.trusted else "warn")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(about.versions.items()))
    yield element("p", versions, "soft")


def _flags(marks: Sequence[Mark]) -> Iterator[str]:
    """Yield what a person should look at."""
    yield element("h2", "To look at")
    rows = []
    for mark in marks:
        result = mark.result
        notes = [result.reason, *result.review, *result.restored]
        notes += [f"{one.id}: flaky" for one in result.exercises if one.flaky]
        odd = [one for one in result.exercises if one.verdict not in ("pass", "fail")]
        notes += [f"{one.id}: {one.verdict}" for one in odd]
        if any(notes):
            flags = ", ".join(result.flags) or "-"
            rows.append((mark.student, result.status, flags, "; ".join(filter(None, notes))))
    if rows:
        yield table("Flagged submissions", ("student", "status", "flags", "why"), rows)
    else:
        yield element("p", "Nothing.")


def _distribution(marks: Sequence[Mark], about: About) -> Iterator[str]:
    yield element("h2", "Points")
    totals = [mark.total for mark in marks if mark.total is not None]
    width = max(1, -(-about.out_of // SHOWN))
    bins = Counter(int(min(total, Decimal(about.out_of))) // width for total in totals)
    label = "points" if width == 1 else f"points, in steps of {width}"
    yield bars(
        "Students by points",
        label,
        [(str(one * width), bins[one]) for one in range(about.out_of // width + 1)],
    )
    rows = []
    for exercise in about.lab.exercises:
        found = [one for mark in marks for one in mark.result.exercises if one.id == exercise.id]
        verdicts = Counter(_word(one) for one in found)
        others = ", ".join(
            f"{count} {word}" for word, count in sorted(verdicts.items()) if word != "pass"
        )
        share = f"{100 * verdicts['pass'] // len(found)} %" if found else "-"
        rows.append((exercise.title, str(verdicts["pass"]), share, others or "-"))
    yield table(
        "How each exercise went", ("exercise", "passed", "share", "not passed"), rows, (1, 2)
    )


def _heat_map(marks: Sequence[Mark], about: About) -> Iterator[str]:
    """Yield how often each misconception was found; the darker, the more often."""
    yield element("h2", "Misconceptions")
    found = Counter(
        (one.id, one.misconception)
        for mark in marks
        for one in mark.result.exercises
        if one.misconception
    )
    if not found:
        yield element("p", "None was recognised.")
        return
    most = max(found.values())
    widest = max(len(exercise.misconceptions) for exercise in about.lab.exercises)
    caption = "How many students showed each misconception, by exercise"
    yield (
        f'<div class="wide" role="region" tabindex="0" aria-label="{caption}">'
        f'<table class="heat"><caption>{caption}</caption><tbody>'
    )
    for exercise in about.lab.exercises:
        cells = "".join(
            _heat_cell(bad.name, found[exercise.id, bad.name], most)
            for bad in exercise.misconceptions
        )
        rest = "<td></td>" * (widest - len(exercise.misconceptions))
        yield f'<tr><th scope="row">{escape(exercise.title)}</th>{cells}{rest}</tr>'
    yield "</tbody></table></div>"


def _heat_cell(name: str, count: int, most: int) -> str:
    step = -(-4 * count // most)
    return f'<td class="cell h{step}">{escape(name)}<br>{count}</td>'


def _alike(marks: Sequence[Mark]) -> Iterator[str]:
    yield element("h2", "Nearly the same answers")
    pairs = near_pairs([mark.result for mark in marks])
    if not pairs:
        yield element("p", "None that are long enough to say so.")
        return
    rows = [(pair.one, pair.other, f"{round(100 * pair.share)} %") for pair in pairs[:100]]
    yield element("p", "Names, comments and layout do not count. A reason to ask, never a proof.")
    yield table("Pairs, the closest first", ("student", "student", "in common"), rows, (2,))


def _slowest() -> Iterator[str]:
    """Yield the way to the seconds: they are never twice the same, and this page is."""
    yield element("h2", "Slowest")
    yield f'<p><a href="{TIMINGS}">How long each submission took</a> is on a page of its own.</p>'


def _everybody(marks: Sequence[Mark], about: About) -> Iterator[str]:
    yield element("h2", "Everybody")
    ids = [exercise.id for exercise in about.lab.exercises]
    rows = []
    for mark in marks:
        words = {one.id: _word(one) for one in mark.result.exercises}
        total = "?" if mark.total is None else as_text(mark.total)
        rows.append(
            (mark.student, total, *(words.get(id_, "-") for id_ in ids), "; ".join(mark.reasons))
        )
    columns = ("student", "total", *ids, "decided by hand")
    yield table(f"Marks, out of {about.out_of}", columns, rows, (1,))


def _details(marks: Sequence[Mark], about: About) -> Iterator[str]:
    """Yield the messages of what failed, hidden cases included."""
    yield element("h2", "Details")
    yield element("p", "These messages may show hidden cases: not for students.", "soft")
    for mark in marks:
        failed = [one for one in mark.result.exercises if one.verdict != "pass" and one.attempted]
        if failed:
            titles = ", ".join(one.id for one in failed)
            yield f"<details><summary>{escape(mark.student)}: {escape(titles)}</summary>"
            for one in failed:
                yield element("pre", one.detail)
            yield "</details>"


def _word(one: Graded) -> str:
    return one.verdict if one.attempted else "not attempted"
