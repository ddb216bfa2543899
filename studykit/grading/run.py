"""A grading run: from submissions to a gradebook, as often as it takes."""

from __future__ import annotations

import hashlib
import platform
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from msgspec.structs import replace

import studykit
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.exercises.definition import Lab
from studykit.files import write_whole
from studykit.grading.book.gradebook import About, decisions, write_csv, write_json, write_settling
from studykit.grading.book.gradefile import Filling, GradeFile
from studykit.grading.book.ledger import NAME, ResultLedger, only_grader
from studykit.grading.book.marks import (
    LatePolicy,
    Mark,
    mark,
    read_overrides,
    unknown_students,
)
from studykit.grading.book.pages.feedback import feedback_page, moodle_zip
from studykit.grading.book.pages.report import TIMINGS, report_page
from studykit.grading.book.pages.timings import timings_page
from studykit.grading.book.results import Result
from studykit.grading.cases import HIDDEN, private_cases
from studykit.grading.grader import TIMES, GradedLab, key_of
from studykit.grading.intake.identity import file_name
from studykit.grading.intake.roster import match, read_roster
from studykit.grading.intake.submissions import take_in
from studykit.grading.notebook.rebuild import Original
from studykit.grading.pool import Pool, Task
from studykit.grading.sandbox.cgroup import Branch, delegated
from studykit.grading.sandbox.fork_engine import ForkEngine
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.selftest import Findings, choose_sandbox
from studykit.grading.sandbox.session import Engine, EngineMaker
from studykit.grading.sandbox.staging import stage, staged_files
from studykit.grading.secret import Secret

EngineName: TypeAlias = Literal["fork", "testbook"]

WORK: Final = ".work"
TO_SETTLE: Final = "to-settle.csv"
WARMED: Final = ("studykit.checks.lab", "studykit.checks.running", "flink_jobs.events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an instructor asks for."""

    submissions: Path
    lab: Lab
    out: Path
    secret: Secret
    workers: int
    roster: Path | None = None
    tests: Path | None = None
    overrides: Path | None = None
    policy: LatePolicy | None = None
    engine: EngineName = "fork"
    weak: bool = False
    system: str | None = None
    """The course system whose export it is; None: find out."""
    fill: Path | None = None
    """The course system's own grade file, to be given back with the marks."""
    column: str | None = None
    """Its column that takes the marks, where several could."""
    limits: Limits = field(default_factory=Limits)


class Run:
    """One run over a folder of results."""

    def __init__(self, order: Order, course: Course, branch: Branch | None) -> None:
        """Prepare a run whose submissions get groups in `branch`; nothing is graded yet.

        Raises:
            StudyError: Something that was asked for cannot be used, or no sandbox holds.
        """
        self.order = order
        work = order.out / WORK
        if work.exists():  # a run that was killed has left it
            shutil.rmtree(work)
        work.mkdir(parents=True)
        private = private_cases(order.tests, order.lab) if order.tests else {}
        self.assignment = GradedLab(Original.of(order.lab, course), order.secret, private)
        self.overrides = read_overrides(order.overrides, order.lab) if order.overrides else {}
        self.decided = decisions(order.out / TO_SETTLE)
        expected = read_roster(order.roster) if order.roster else None
        self.grade_file = GradeFile.read(order.fill, order.column) if order.fill else None
        self.filling: Filling | None = None
        self.submissions = take_in(
            order.submissions, order.lab.name, work / "unpacked", order.system
        )
        self.absent = match(self.submissions, expected)
        if self.grade_file:
            everybody = [*self.submissions, *self.absent]
            self.grade_file.check([submission.student for submission in everybody])
        self.findings = choose_sandbox(
            stage(work / "course"), order.lab.name, weak=order.weak, branch=branch
        )
        if order.engine == "testbook" and self.findings.level == "L2":
            raise StudyError(
                "the testbook engine needs bubblewrap: install it, or take --engine fork"
            )
        self.context = _context(order, self.assignment, self.findings)
        self.ledger = ResultLedger(order.out / NAME)
        self.tasks = [
            Task(submission, key)
            for submission in self.submissions
            if not self.ledger.has(submission.student, key := key_of(submission, self.context))
        ]
        self._waiting = {task.submission.student: task.submission for task in self.tasks}

    def grade(self, shown: Callable[[Result], None], tick: Callable[[list[str]], None]) -> None:
        """Grade what is not graded yet.

        Args:
            shown: Called with each new result.
            tick: Called now and then with who is being graded.
        """
        if not self.tasks:
            return
        maker = engine_maker(self.order, self.assignment, self.findings)
        at_once = 1 if self.findings.sandbox.shared_count else self.order.workers
        pool = Pool(self.assignment, maker, min(at_once, len(self.tasks)))
        try:
            for result in pool.grade(self.tasks, self.order.limits, lambda: tick(pool.busy)):
                with writing(self.order.out):
                    self.ledger.add(self._unless_swapped(result))
                shown(result)
        finally:
            pool.close()

    def _unless_swapped(self, result: Result) -> Result:
        """Return a result; one of files that have changed since has no key, and counts once."""
        submission = self._waiting[result.student]
        same = key_of(submission, self.context) == result.key
        return result if same else replace(result, key="")

    def close(self) -> None:
        """Leave nothing but results."""
        self.ledger.close()
        shutil.rmtree(self.order.out / WORK, ignore_errors=True)

    def results(self) -> list[Result]:
        """Return the results of everybody who is asked for, by name."""
        found = [
            replace(self.ledger.results[submission.student], unsettled=tuple(submission.unsettled))
            for submission in self.submissions
        ]
        missing = [
            Result(
                student=absent.student,
                key="",
                status="missing",
                review=tuple(absent.review),
                unsettled=tuple(absent.unsettled),
            )
            for absent in self.absent
        ]
        # The ledger has them in the order in which they ended, which is another in every run.
        return sorted([*found, *missing], key=lambda result: result.student)

    def write(self) -> list[Mark]:
        """Write the gradebook, the report and the feedback; return the marks.

        Raises:
            StudyError: The overrides name a student of whom nothing is known.
        """
        order, out, results = self.order, self.order.out, self.results()
        if strangers := unknown_students(self.overrides, results):
            raise StudyError(
                f"{order.overrides}: nothing is known of {strangers[0]!r}: check the name"
            )
        marks = [mark(result, order.policy, self.overrides) for result in results]
        level, text = self.findings.level, self.findings.text
        trusted = level != "L0"
        shown = level if trusted else f"{level} untrusted isolation"
        about = About(order.lab, text, shown, trusted, _versions(self))
        with writing(out):
            write_csv(out / "gradebook.csv", marks, about)
            write_json(out / "gradebook.json", marks, about)
            write_settling(out / TO_SETTLE, marks, self.decided)
            write_whole(out / "report.html", report_page(marks, about))
            write_whole(out / TIMINGS, timings_page(marks, about, order.limits.call_s))
            pages = {
                f"{file_name(each.student)}.html": feedback_page(each, about) for each in marks
            }
            _replace_pages(out / "feedback", pages)
            if self.grade_file:
                self._give_back(self.grade_file, marks, about)
        return marks

    def _give_back(self, grade_file: GradeFile, marks: Sequence[Mark], about: About) -> None:
        """Write the course system's own file with the marks, and feedback as it takes it."""
        out, filling = self.order.out, grade_file.fill(marks, about.out_of)
        self.filling = filling
        write_whole(out / grade_file.name, filling.text)
        if grade_file.layout.system == "moodle":
            told = [mark for mark in marks if mark.student in filling.rows]
            pages = {mark.student: feedback_page(mark, about) for mark in told}
            write_whole(out / "feedback-for-moodle.zip", moodle_zip(pages))

    def counts(self) -> Counter[str]:
        """Return how many results there are of each kind, verdicts of exercises included."""
        states = Counter(result.status for result in self.results())
        return Counter({str(name): count for name, count in states.items()})


def grade_all(
    order: Order,
    course: Course,
    started: Callable[[Run], None],
    shown: Callable[[Result], None],
    tick: Callable[[list[str]], None],
) -> list[Mark]:
    """Grade everything that is asked for, and return the marks.

    What was graded before and has not changed is not graded again. Ended at any moment, the same
    call goes on where it was, and its gradebook is the same to the byte.

    Raises:
        StudyError: Something that was asked for cannot be used, or no sandbox holds.
    """
    if _is_below(order.out, order.submissions):
        raise StudyError(
            f"{order.out} is inside of {order.submissions}, and would be taken for a submission: "
            "choose another --out"
        )
    with writing(order.out):
        order.out.mkdir(parents=True, exist_ok=True)
    with only_grader(order.out, order.lab.name), delegated() as branch:
        try:
            run = Run(order, course, branch)
        except BaseException:
            shutil.rmtree(order.out / WORK, ignore_errors=True)
            raise
        try:
            started(run)
            run.grade(shown, tick)
            return run.write()
        finally:
            run.close()


def engine_maker(order: Order, assignment: GradedLab, findings: Findings) -> EngineMaker:
    """Return what makes the engine of a worker."""
    modules = [*WARMED, *assignment.original.modules()]
    make = _testbook_engine if order.engine == "testbook" else ForkEngine
    return partial(_engine, make, findings, modules, order.limits)


def _engine(
    make: Callable[..., Engine],
    findings: Findings,
    modules: Sequence[str],
    limits: Limits,
    slot: int,
) -> Engine:
    return make(findings.sandbox, slot, modules, limits)


def _testbook_engine(*words: Any) -> Engine:  # noqa: ANN401
    from studykit.grading.sandbox.testbook_engine import TestbookEngine  # noqa: PLC0415 - it takes 0.5 s

    return TestbookEngine(*words)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one sentence that results cannot be written.

    Raises:
        StudyError: They cannot.
    """
    try:
        yield
    except OSError as error:
        raise StudyError(
            f"cannot write to {folder}: {error.strerror or error}. What was graded is kept; make "
            "room or choose another --out, then give the same command"
        ) from None


def _is_below(out: Path, submissions: Path) -> bool:
    """Return whether results would lie among the submissions of a folder."""
    home, folder = out.resolve(), submissions.resolve()
    return folder.is_dir() and (home == folder or folder in home.parents)


def _replace_pages(folder: Path, pages: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.html"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        write_whole(folder / name, text)


def _versions(run: Run) -> dict[str, str]:
    return {
        "event-time-lab": version("event-time-lab"),
        "python": platform.python_version(),
        "ipython": version("ipython"),
        "graded-by": run.context[:12],
        "secret": run.order.secret.name,
    }


def _context(order: Order, assignment: GradedLab, findings: Findings) -> str:
    """Return a hash of everything but the submission that marks depend on."""
    sha = hashlib.sha256()
    words = [order.engine, findings.level, platform.python_version(), version("ipython")]
    words += [order.secret.name, repr(order.limits), f"{HIDDEN} {TIMES}"]
    words += [repr(sorted(assignment.private.items()))]
    words += [cell.source for cell in assignment.original.cells]
    for word in words:
        sha.update(word.encode() + b"\0")
    for path in _sources():
        sha.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()


def _sources() -> Iterator[Path]:
    """Yield the files that decide about marks: what answers run with, exercises and grading."""
    yield from (path for _, path in staged_files())
    home = Path(studykit.__path__[0])
    yield from sorted((home / "exercises").rglob("*.py"))
    yield from sorted((home / "grading").rglob("*.py"))
