"""The command `study grade`."""

# ruff: noqa: PLC0415 - the imports inside the command are what makes `--help` instant

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studykit.cli.canvas import canvas

if TYPE_CHECKING:
    from studykit.grading.book.marks import LatePolicy
    from studykit.grading.run import Order

INTERRUPTED = 130
NOT_ALL = 3
"""Exit status when some submissions could not be graded, through no fault of their authors."""
NOT_AS_COMMITTED = 1
"""Exit status when the marks of the example class are not the committed ones."""


def grade(
    submissions: Annotated[
        Path | None, typer.Argument(help="A folder, a zip or tar archive, or a CSV.")
    ] = None,
    lab: Annotated[str | None, typer.Option(help="The lab, as in lab01.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the results; with an earlier one, grading goes on where it ended. "
            "Default: .study/grades/LAB"
        ),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Grade the example class and compare the marks.")
    ] = False,
    roster: Annotated[
        Path | None, typer.Option(help="CSV of everybody who is expected; column: student.")
    ] = None,
    tests: Annotated[
        Path | None, typer.Option(help="Folder with private cases: one file per lab.")
    ] = None,
    overrides: Annotated[
        Path | None,
        typer.Option(help="CSV of marks that you set; columns: student, exercise, points, reason."),
    ] = None,
    due: Annotated[
        str | None, typer.Option(help="When the lab was due, as 2026-03-01T23:59Z.")
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(help="Zone of times that name none, as Europe/Berlin or +01:00."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="Course system of the export, if file names do not tell: moodle, ..."),
    ] = None,
    fill: Annotated[
        Path | None,
        typer.Option(help="The course system's own grade file, to be given back with marks."),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The column of --fill for the marks, if several could be.")
    ] = None,
    late_percent: Annotated[
        int, typer.Option(min=0, max=100, help="Percent taken off for each day begun after --due.")
    ] = 0,
    late_days: Annotated[
        int, typer.Option(min=0, help="Days after --due; what comes later counts nothing.")
    ] = 7,
    secret: Annotated[
        Path | None,
        typer.Option(
            help="File with the secret that hidden cases are drawn from; made if missing."
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="How answers are run: fork, or testbook, which is slow, to compare.")
    ] = "fork",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Submissions at a time. Default: one for each core.")
    ] = None,
    allow_weak_isolation: Annotated[
        bool,
        typer.Option(
            "--allow-weak-isolation",
            help="Grade without a sandbox. Never for submissions of strangers.",
        ),
    ] = False,
) -> None:
    """Grade submissions of a lab.

    An interrupted run goes on where it ended when the same command is given again.
    """
    from studykit.errors import StudyError

    if sys.platform != "linux":
        raise StudyError("grading needs Linux: use a virtual machine, or WSL 2 on Windows")
    if engine not in ("fork", "testbook"):
        raise StudyError(f"there is no engine {engine!r}: choose fork or testbook")
    order = example_order(out) if example else _order(submissions, lab, out, secret)
    order = replace(
        order,
        workers=workers or order.workers,
        roster=roster,
        tests=tests,
        overrides=overrides,
        policy=_policy(due, zone, late_percent, late_days),
        system=_system(system),
        fill=fill,
        column=column,
        engine="fork" if engine == "fork" else "testbook",
        weak=allow_weak_isolation,
    )
    complete = _run(order)
    if example:
        _compare(order)
    if not complete:
        raise typer.Exit(NOT_ALL)


def add_to(app: typer.Typer) -> None:
    """Add the commands of an instructor to the command line."""
    app.command()(grade)
    app.command()(canvas)


def _order(
    submissions: Path | None, lab: str | None, out: Path | None, secret: Path | None
) -> Order:
    """Return the order for an instructor's own class.

    Raises:
        StudyError: An argument is missing, or the lab or the secret does not exist.
    """
    from studykit.errors import StudyError
    from studykit.exercises.catalog import find_lab
    from studykit.grading.run import Order
    from studykit.grading.secret import Secret
    from studykit.workspace import Workspace

    if submissions is None or lab is None:
        raise StudyError(
            "say what to grade, as in `study grade handed-in --lab lab01`, "
            "or try the example class: `study grade --example`"
        )
    chosen, home = find_lab(lab), Workspace.of_clone().home
    return Order(
        submissions=submissions,
        lab=chosen,
        out=(out or home / "grades" / chosen.name).absolute(),
        secret=Secret.load(secret or home / "grading-secret"),
        workers=len(os.sched_getaffinity(0)),
    )


def example_order(out: Path | None) -> Order:
    """Write the example class beside its results, and return the order for it."""
    from studykit.course.layout import Course
    from studykit.exercises.catalog import find_lab
    from studykit.grading.example.students import SECRET, write_class
    from studykit.grading.run import Order
    from studykit.workspace import Workspace

    home = (out or Workspace.of_clone().home / "grades" / "example").absolute()
    write_class(home / "submissions", Course.of_clone())
    return Order(
        submissions=home / "submissions",
        lab=find_lab("01"),
        out=home,
        secret=SECRET,
        workers=len(os.sched_getaffinity(0)),
    )


def _run(order: Order) -> bool:
    """Grade with the progress on screen; return whether every submission could be graded."""
    from rich.console import Console

    from studykit.course.layout import Course
    from studykit.grading.run import grade_all
    from studykit.grading.show import Show

    show = Show(Console(), order.out)
    try:
        with show:
            marks = grade_all(order, Course.of_clone(), show.started, show.result, show.tick)
    except KeyboardInterrupt:
        show.interrupted()
        raise typer.Exit(INTERRUPTED) from None
    return show.finished(marks)


def _compare(order: Order) -> None:
    """Say whether the example class got the marks of the committed gradebook.

    Raises:
        typer.Exit: It did not.
    """
    from studykit.grading.example.comparing import GRADEBOOK, differences

    found = differences(order.out / "gradebook.csv")
    if not found:
        typer.echo("The gradebook is the committed one, mark for mark.")
        return
    typer.secho(f"The gradebook differs from {GRADEBOOK}:", err=True, fg=typer.colors.RED)
    for line in found:
        typer.echo(f"  {line}", err=True)
    raise typer.Exit(NOT_AS_COMMITTED)


def _system(name: str | None) -> str | None:
    """Return the name of a course system.

    Raises:
        StudyError: There is no such system.
    """
    from studykit.errors import StudyError
    from studykit.grading.intake.systems import SYSTEMS

    if name is not None and name not in SYSTEMS:
        raise StudyError(f"there is no course system {name!r}: choose from {', '.join(SYSTEMS)}")
    return name


def _policy(due: str | None, zone: str | None, percent: int, days: int) -> LatePolicy | None:
    """Return the late policy, if there is one.

    Raises:
        StudyError: `due` is no moment, or there is no such zone.
    """
    from studykit.errors import StudyError
    from studykit.grading.book.marks import LatePolicy
    from studykit.grading.intake.times import find_zone, parse_time

    place = find_zone(zone) if zone else None
    if due is None:
        return None
    moment = parse_time(due, place)
    if moment is None or moment.earliest != moment.latest:
        what = "is no time" if moment is None else "is no time of one zone"
        raise StudyError(f"--due {due!r} {what}: write it as 2026-03-01T23:59+01:00")
    return LatePolicy(moment.latest, percent, days, place)
