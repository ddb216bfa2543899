"""The command `study grade`."""

# ruff: noqa: PLC0415 - the imports inside the command are what makes `--help` instant

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from studykit.grading.marks import LatePolicy

INTERRUPTED = 130
NOT_ALL = 3
"""Exit status when some submissions could not be graded by our own fault."""


def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder, a zip or tar archive, or a CSV.")],
    lab: Annotated[str, typer.Option(help="The lab, as in lab01.")],
    out: Annotated[Path, typer.Option(help="Where results go; the same folder resumes.")],
    roster: Annotated[
        Path | None, typer.Option(help="CSV with the column student: who is expected.")
    ] = None,
    tests: Annotated[
        Path | None, typer.Option(help="Folder with private cases, one file per lab.")
    ] = None,
    overrides: Annotated[
        Path | None, typer.Option(help="CSV with student, exercise, points, reason.")
    ] = None,
    due: Annotated[str | None, typer.Option(help="When it was due, as 2026-03-01T23:59Z.")] = None,
    late_percent: Annotated[
        int, typer.Option(min=0, max=100, help="Taken off for each day begun after --due.")
    ] = 0,
    late_days: Annotated[int, typer.Option(min=0, help="After so many days nothing counts.")] = 7,
    secret: Annotated[
        Path | None, typer.Option(help="File with the secret of hidden cases; made if missing.")
    ] = None,
    engine: Annotated[str, typer.Option(help="fork, or testbook: slow, for comparison.")] = "fork",
    workers: Annotated[int | None, typer.Option(min=1, help="Default: one for each core.")] = None,
    allow_weak_isolation: Annotated[
        bool, typer.Option(help="Grade without a sandbox. Never for work of strangers.")
    ] = False,
) -> None:
    """Grade submissions of a lab; the same command goes on where it was ended."""
    from rich.console import Console

    from studykit.checks import find_lab
    from studykit.course.layout import Course
    from studykit.errors import StudyError
    from studykit.grading.secret import Secret
    from studykit.grading.session import Order, grade_all
    from studykit.grading.show import Show
    from studykit.services.workspace import Workspace

    if engine not in ("fork", "testbook"):
        raise StudyError(f"there is no engine {engine!r}: choose fork or testbook")
    order = Order(
        submissions=submissions,
        lab=find_lab(lab),
        out=out.absolute(),
        secret=Secret.load(secret or Workspace.of_clone().home / "grading-secret"),
        workers=workers or len(os.sched_getaffinity(0)),
        roster=roster,
        tests=tests,
        overrides=overrides,
        policy=_policy(due, late_percent, late_days),
        engine="fork" if engine == "fork" else "testbook",
        weak=allow_weak_isolation,
    )
    show = Show(Console(), out)
    try:
        with show:
            marks = grade_all(order, Course.of_clone(), show.started, show.result, show.tick)
    except KeyboardInterrupt:
        show.interrupted()
        raise typer.Exit(INTERRUPTED) from None
    if not show.finished(marks):
        raise typer.Exit(NOT_ALL)


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(grade)


def _policy(due: str | None, percent: int, days: int) -> LatePolicy | None:
    """Return the late policy, if there is one.

    Raises:
        StudyError: `due` is no time.
    """
    from studykit.errors import StudyError
    from studykit.grading.marks import LatePolicy, parse_time

    if due is None:
        return None
    moment = parse_time(due)
    if moment is None:
        raise StudyError(f"--due {due!r} is no time: write it as 2026-03-01T23:59+01:00")
    return LatePolicy(moment, percent, days)
