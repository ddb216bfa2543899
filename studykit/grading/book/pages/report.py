"""What an instructor reads: flags first, then the class, the misconceptions and the details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark, as_text
from studykit.grading.book.pages.fairness import fairness
from studykit.grading.book.pages.page import Cell, Link, bars, element, evidence, page, shown, table
from studykit.grading.book.results import Score
from studykit.grading.book.similarity import Pair, near_pairs
from studykit.grading.sandbox.promises import LEVELS, PROMISES

TIMINGS: Final = "timings.html"
"""The page of seconds, beside this one."""
MOST_PAIRS: Final = 100
"""Most pairs of nearly equal submissions that are shown."""
SHOWN: Final = 40
"""Most bins of a distribution."""


def report_page(marks: Sequence[Mark], about: About) -> str:
    """Return the instructor's page."""
    body = [
        *_head(marks, about),
        *_to_settle(marks),
        *_flags(marks),
        *_distribution(marks, about),
        *_heat_map(marks, about),
        *fairness(marks, about),
        *_alike(marks),
        *_slowest(),
        *_everybody(marks, about),
        *_promises(about),
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


def _promises(about: About) -> Iterator[str]:
    """Yield what the isolation of this run promises, and what it does not."""
    level = next(level for level in LEVELS if about.level.startswith(level))
    rows = [(promise.text, promise.kept[LEVELS.index(level)]) for promise in PROMISES]
    yield element("h2", "What the isolation promises")
    yield table("The same for both engines", ("a submission ...", f"at level {level}"), rows)


def _to_settle(marks: Sequence[Mark]) -> Iterator[str]:
    """Yield what must be decided before there is a mark."""
    rows = [
        (evidence(mark.student), why, _outcome(mark)) for mark in marks for why in mark.unsettled
    ]
    if not rows:
        return
    yield element("h2", "To settle")
    yield element(
        "p",
        "These students have no mark until you decide. Fill the reasons into to-settle.csv, which "
        "lies beside this page, and give the same command with --overrides to-settle.csv. Nothing "
        "is graded again.",
        "warn",
    )
    yield table("Without a mark", ("student", "why", "what came of it"), rows)


def _outcome(mark: Mark) -> str:
    """Return in a few words what a submission earned, and of which file."""
    if mark.result.status != "graded":
        return mark.result.status
    passed = [score.id for score in mark.result.exercises if score.verdict == "pass"]
    return f"{mark.result.file}: passed {', '.join(passed) or 'nothing'}"


def _flags(marks: Sequence[Mark]) -> Iterator[str]:
    """Yield what a person should look at, by kind; each name leads to the details."""
    yield element("h2", "To look at")
    kinds: dict[str, list[tuple[Link, str]]] = {}
    for mark in marks:
        for kind, note in _notes(mark):
            kinds.setdefault(kind, []).append((evidence(mark.student), note))
    for kind in (name for name in KINDS if name in kinds):
        yield table(f"{KINDS[kind]} ({len(kinds[kind])})", ("student", "why"), kinds[kind])
    if not kinds:
        yield element("p", "Nothing.")


KINDS: Final = {
    "infra_error": "Not graded, by our own fault",
    "rejected": "Rejected",
    "unreadable": "Not readable",
    "odd": "Ended in another way than by an answer",
    "flaky": "Asked twice, answered twice",
    "review": "Look at it",
    "restored": "Cells of the course were changed",
}
"""What flags are about, the most urgent first."""


def _notes(mark: Mark) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of everything that is flagged in a submission."""
    result = mark.result
    if result.reason and result.status in KINDS:
        yield result.status, result.reason
    for score in result.exercises:
        if score.verdict not in ("pass", "fail"):
            yield "odd", f"{score.id}: {score.verdict}"
        if score.flaky:
            yield "flaky", score.id
    yield from (("review", note) for note in (*result.review, *mark.notes))
    yield from (("restored", note) for note in result.restored)


def _distribution(marks: Sequence[Mark], about: About) -> Iterator[str]:
    yield element("h2", "Points")
    totals = [mark.total for mark in marks if mark.total is not None]
    width = max(1, -(-about.out_of // SHOWN))
    bins = Counter(int(min(total, Decimal(about.out_of))) // width for total in totals)
    label = "points" if width == 1 else f"points, in steps of {width}"
    yield bars(
        "Students by points",
        label,
        [(str(step * width), bins[step]) for step in range(about.out_of // width + 1)],
    )
    rows = []
    for exercise in about.lab.exercises:
        found = [
            score for mark in marks for score in mark.result.exercises if score.id == exercise.id
        ]
        verdicts = Counter(_word(score) for score in found)
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
        (score.id, score.misconception)
        for mark in marks
        for score in mark.result.exercises
        if score.misconception
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
        yield f'<tr><th scope="row">{shown(exercise.title)}</th>{cells}{rest}</tr>'
    yield "</tbody></table></div>"


def _heat_cell(name: str, count: int, most: int) -> str:
    # Rounded up: what was found once has a colour, too.
    step = -(-4 * count // most)
    return f'<td class="cell h{step}">{shown(name)}<br>{count}</td>'


def _pairs(marks: Sequence[Mark]) -> list[Pair]:
    return near_pairs([mark.result for mark in marks])[:MOST_PAIRS]


def _alike(marks: Sequence[Mark]) -> Iterator[str]:
    yield element("h2", "Nearly the same answers")
    pairs = _pairs(marks)
    if not pairs:
        yield element("p", "None that are long enough to say so.")
        return
    rows = [
        (evidence(pair.first), evidence(pair.second),
         f"{round(100 * pair.share)} %")
        for pair in pairs
    ]  # fmt: skip
    yield element("p", "Names, comments and layout do not count. A reason to ask, never a proof.")
    yield table("Pairs, the closest first", ("student", "student", "in common"), rows, (2,))


def _slowest() -> Iterator[str]:
    """Yield the way to the seconds: they are never twice the same, and this page is."""
    yield element("h2", "Slowest")
    yield f'<p><a href="{TIMINGS}">How long each submission took</a> is on a page of its own.</p>'


def _everybody(marks: Sequence[Mark], about: About) -> Iterator[str]:
    yield element("h2", "Everybody")
    ids = [exercise.id for exercise in about.lab.exercises]
    rows: list[Sequence[Cell]] = []
    for mark in marks:
        words = {score.id: _word(score) for score in mark.result.exercises}
        total = "?" if mark.total is None else as_text(mark.total)
        rows.append(
            (
                evidence(mark.student),
                total,
                *(words.get(id_, "-") for id_ in ids),
                "; ".join(mark.reasons),
            )
        )
    columns = ("student", "total", *ids, "decided by hand")
    yield table(f"Marks, out of {about.out_of}", columns, rows, (1,))


def _details(marks: Sequence[Mark], about: About) -> Iterator[str]:
    """Yield the evidence of each submission; it is open where a person should look at it."""
    yield element("h2", "Evidence")
    yield element("p", "These messages may show hidden cases: not for students.", "soft")
    alike = {name for pair in _pairs(marks) for name in (pair.first, pair.second)}
    for mark in marks:
        failed = [score for score in mark.result.exercises if score.verdict != "pass"]
        titles = ", ".join(score.id for score in failed if score.attempted)
        notes = [note for _, note in _notes(mark)]
        flagged = bool(mark.unsettled or notes or mark.student in alike)
        opened = " open" if flagged else ""
        yield f'<details id="{evidence(mark.student).place}"{opened}>'
        yield f"<summary>{shown(': '.join(filter(None, [mark.student, titles])))}</summary>"
        yield element("p", _outcome(mark), "soft")
        yield from (element("p", note, "warn") for note in (*mark.unsettled, *notes))
        for score in failed:
            if score.attempted:
                yield element("pre", score.detail)
        yield from _journal(mark)
        yield from _code(mark)
        yield "</details>"


def _journal(mark: Mark) -> Iterator[str]:
    """Yield what a student decided, and why, in the student's own words."""
    if mark.result.journal:
        yield element("p", "Its journal, which gives no marks:", "soft")
    for title, text in mark.result.journal:
        yield element("p", title)
        yield element("pre", text)


def _code(mark: Mark) -> Iterator[str]:
    """Yield the cells of a submission that the course has not given."""
    if mark.result.code:
        yield element("p", "Its own cells, in their order:", "soft")
    for text in mark.result.code:
        yield element("pre", text, "code")


def _word(score: Score) -> str:
    return score.verdict if score.attempted else "not attempted"
