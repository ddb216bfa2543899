"""What a terminal shows of a grading run: a bar, who is being graded, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from studykit.grading.book.marks import Mark
from studykit.grading.book.results import Result
from studykit.grading.run import TO_SETTLE, Run


class Show:
    """Shows one run. It draws in the calling thread only, because workers are forked."""

    def __init__(self, console: Console, out: Path) -> None:
        """Show on `console` a run that writes to `out`."""
        self._console = console
        self._out = out
        self._counts: Counter[str] = Counter()
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._run: Run | None = None
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Show:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, run: Run) -> None:
        """Say how the run is isolated and what there is to do."""
        self._run = run
        style = None if run.findings.level != "L0" else "red"
        self._say(run.findings.text, style)
        done = len(run.submissions) - len(run.tasks)
        if done:
            self._say(f"{done} of {len(run.submissions)} are graded already and have not changed")
        self._progress.update(self._task, total=len(run.tasks), completed=0)
        self._progress.start()

    def result(self, result: Result) -> None:
        """Count a result."""
        if result.status != "graded":
            self._counts[result.status] += 1
        self._counts.update(score.verdict for score in result.exercises)
        self._progress.advance(self._task)

    def tick(self, busy: list[str]) -> None:
        """Draw the bar."""
        who = ", ".join(name[:24] for name in busy)
        self._progress.update(self._task, description=f"{_counted(self._counts)}  now {who}")
        self._progress.refresh()

    def interrupted(self) -> None:
        """Say how to go on."""
        self._say("Stopped. Every finished result is kept; the same command goes on from here.")

    def finished(self, marks: Sequence[Mark]) -> bool:
        """Say what came out; return whether everything could be graded."""
        states: Counter[str] = Counter(mark.result.status for mark in marks)
        people = "1 student" if len(marks) == 1 else f"{len(marks)} students"
        self._say(f"{people}: {_counted(states)}")
        for name in ("gradebook.csv", "gradebook.json", "report.html", "timings.html", "feedback/"):
            self._say(f"  {self._out / name}")
        unsettled = sum(bool(mark.unsettled) for mark in marks)
        if unsettled:
            self._say(
                f"  {self._out / TO_SETTLE}: {unsettled} have no mark until you decide", "red"
            )
        self._given_back()
        failed = [mark for mark in marks if mark.result.status == "infra_error"]
        for mark in failed:
            reason = mark.result.reason
            self._say(f"not graded, by our own fault: {mark.student} ({reason})", "red")
        return not failed

    def _given_back(self) -> None:
        """Say what became of the course system's own grade file."""
        if self._run is None or self._run.grade_file is None or self._run.filling is None:
            return
        filling = self._run.filling
        self._say(f"  {self._out / self._run.grade_file.name}: {len(filling.rows)} marks filled in")
        if filling.scaled:
            self._say(f"    scaled from {filling.scaled[0]} points to {filling.scaled[1]}")
        for student in filling.without_row:
            self._say(f"    no row is certainly that of {student}: enter the mark by hand", "red")

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
