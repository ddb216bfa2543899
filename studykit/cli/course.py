"""The commands of the labs: `study start`, `check`, `next` and so on, and `study course`."""

# ruff: noqa: PLC0415 - the imports inside the commands are what makes `--help` instant

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from studykit.exercises.definition import Exercise, Lab

LabName = Annotated[str, typer.Argument(help="A lab, as in 03.")]
Where = Annotated[str | None, typer.Argument(help="A lab or an exercise, as in 03 or 03.2.")]

course = typer.Typer(help="Build and prove the course, for authors.", rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add the commands of the labs to the command line."""
    for command in (start, check, next_, hint, recall, reset, progress, watch, assemble, race):
        app.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(course, name="course")


def start(lab: LabName) -> None:
    """Make your own copy of a lab."""
    from studykit.course.layout import Course
    from studykit.course.learner import copies
    from studykit.exercises.catalog import find_lab

    path = copies.start(find_lab(lab), Course.of_clone())
    typer.echo(f"Your copy is labs/{path.name}. Open it in JupyterLab: `make lab`.")


def check(where: Where = None) -> None:
    """Check your copies of the labs, or one lab or exercise.

    Without a name, every lab that you have started is checked.
    """
    from studykit.course.layout import Course
    from studykit.course.learner.copies import OUTSIDE, need_copy, started
    from studykit.errors import StudyError
    from studykit.exercises.catalog import find_exercise, find_lab

    clone = Course.of_clone()
    if where and "." in where:
        lab, exercise = find_exercise(where)
        work: list[tuple[Lab, tuple[Exercise, ...]]] = [(lab, (exercise,))]
    else:
        chosen = [find_lab(where)] if where else started(clone)
        work = [(lab, lab.exercises) for lab in chosen]
    if not work:
        raise StudyError(
            f"you have not started a lab yet: `study start 01` makes a copy of the first {OUTSIDE}"
        )
    results = []
    for lab, exercises in work:
        try:
            results.append("no" not in _check(need_copy(lab, clone), exercises))
        except StudyError as error:  # the other labs are checked all the same
            typer.secho(str(error), err=True, fg=typer.colors.RED)
            results.append(False)
    if not all(results):
        raise typer.Exit(1)


def next_() -> None:
    """Say what to do next."""
    from studykit.checks.progress import Progress
    from studykit.course.layout import Course
    from studykit.course.learner.report import next_text

    typer.echo(next_text(Progress.of_learner(), Course.of_clone()))


def hint(
    exercise: Annotated[str, typer.Argument(help="An exercise, as in 03.2.")],
    level: Annotated[int | None, typer.Argument(help="1 is broad, 3 is nearly the answer.")] = None,
) -> None:
    """Show a hint for an exercise.

    Without a level, the first hint that you have not read is shown.
    """
    from studykit.checks.lab import hint_text
    from studykit.exercises.catalog import find_exercise

    typer.echo(hint_text(find_exercise(exercise)[1], level))


def recall(
    answers: Annotated[bool, typer.Option("--answers", help="Show the answers as well.")] = False,
) -> None:
    """Ask three questions about what you have passed.

    The questions are the same for a whole day. After a week away `study next` asks them by itself.
    """
    from studykit.checks.progress import Progress
    from studykit.course.learner.recall import recall_text

    typer.echo(recall_text(Progress.of_learner(), answers=answers))


def reset(
    where: Annotated[str, typer.Argument(help="A lab or an exercise, as in 03 or 03.2.")],
) -> None:
    """Start a lab or an exercise afresh; a backup is kept.

    The backup of your work lies beside your copy, in labs/.
    """
    from studykit.course.layout import Course
    from studykit.course.learner import copies

    lab, exercise = _meant(where)
    path, backup = copies.reset(lab, exercise, Course.of_clone())
    what = f"labs/{path.name}" if exercise is None else f"{exercise.title} in labs/{path.name}"
    typer.echo(f"{what} is fresh; your work is in labs/{backup.name}.")
    typer.echo("Is it open in JupyterLab? Then choose File > Reload Notebook from Disk.")


def progress() -> None:
    """Show which exercises you have done."""
    from studykit.checks.progress import Progress
    from studykit.course.learner.report import progress_text

    mine = Progress.of_learner()
    typer.echo("\n".join([progress_text(mine), *mine.notes]))


def watch(where: Where = None) -> None:
    """Check a copy whenever you save it; Ctrl-C ends.

    With an exercise, the next one of its lab is watched as soon as this one passes.
    """
    from studykit.course.layout import Course
    from studykit.course.learner.copies import copy_of
    from studykit.course.learner.watching import saved
    from studykit.exercises.catalog import find_lab, labs

    clone = Course.of_clone()
    chosen, exercise = _meant(where) if where else (None, None)
    wanted = [chosen] if chosen else labs()
    typer.echo("Watching your copies; save one, and it is checked. Ctrl-C ends.")
    try:
        for number in saved(lambda: {lab.number: copy_of(lab, clone) for lab in wanted}):
            lab = find_lab(number)
            passed = _check_saved(copy_of(lab, clone), (exercise,) if exercise else lab.exercises)
            if exercise and passed:
                exercise = _after(lab, exercise)
    except KeyboardInterrupt:
        typer.echo("")


def assemble() -> None:
    """Build labs/my_engine.py from the answers that you passed."""
    from studykit.checks.progress import Progress
    from studykit.course.layout import Course
    from studykit.course.learner import engine

    mine = Progress.of_learner()
    path, parts = engine.assemble(Course.of_clone(), mine)
    names = ", ".join(part.does for part in parts)
    typer.echo(f"labs/{path.name} has {len(parts)} of {len(engine.PARTS)} parts: {names}.")
    typer.echo(engine.APART)
    typer.echo("`study race` runs it beside the course's engine.")


def race(
    events: Annotated[int, typer.Option(min=1, help="How many events the log has.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same log.")] = 7,
) -> None:
    """Run your engine beside the course's on one log.

    Every result that differs is shown, and how long both engines take.
    """
    from studykit.course.layout import Course
    from studykit.course.learner import engine
    from studykit.course.learner.report import race_text

    laps = engine.race(Course.of_clone().labs / engine.FILE, events, seed)
    typer.echo(race_text(laps, events))
    if any(lap.differing or lap.trouble for lap in laps):
        raise typer.Exit(1)


@course.command()
def build(
    name: Annotated[str | None, typer.Argument(help="A source, as in 02 or lab02.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Run the notebooks that have not changed, too.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a notebook is out of date.")
    ] = False,
) -> None:
    """Bring the notebooks up to date with their sources."""
    from studykit.course.builder.build import build as build_one
    from studykit.course.builder.build import products
    from studykit.course.builder.path_table import GUIDE, refresh
    from studykit.course.layout import Course

    clone = Course.of_clone()
    old = 0
    for product in products(clone, name):
        path = product.path.relative_to(clone.root)
        if check:
            old += not product.is_current()
            typer.echo(f"{'current' if product.is_current() else 'old':<10}{path}")
        else:
            typer.echo(f"{build_one(product, force=force):<10}{path}")
    current = refresh(clone, write=not check)
    old += check and not current
    typer.echo(f"{'unchanged' if current else 'old' if check else 'written':<10}{GUIDE}")
    if old:
        raise typer.Exit(1)


@course.command()
def new_exercise(
    lab: LabName, name: Annotated[str, typer.Argument(help="The function to write.")]
) -> None:
    """Make the skeleton of an exercise: a definition and a hole."""
    from studykit.course.builder.skeleton import skeleton
    from studykit.course.layout import Course
    from studykit.exercises.catalog import find_lab

    clone = Course.of_clone()
    new = skeleton(find_lab(lab), name, clone.root)
    new.write()
    typer.echo(f"Define it in {new.definition.relative_to(clone.root)}")
    typer.echo(f"Write its hole in {new.source.relative_to(clone.root)}")
    typer.echo(f"Then: study course build lab{find_lab(lab).number} && study course report {lab}")


@course.command()
def report(
    lab: Annotated[str | None, typer.Argument(help="A lab, as in 03; else all.")] = None,
) -> None:
    """Prove the exercises: run every solution and wrong answer."""
    from studykit.course.layout import Course
    from studykit.course.proof import proof_text, prove_each
    from studykit.exercises.catalog import find_lab, labs

    chosen = [find_lab(lab)] if lab else labs()
    proofs, unproven = prove_each(chosen, Course.of_clone())
    typer.echo(proof_text(proofs, unproven))
    if unproven:
        raise typer.Exit(1)
    if not all(proven.holds for proof in proofs for proven in proof.exercises):
        raise typer.Exit(1)


def _meant(where: str) -> tuple[Lab, Exercise | None]:
    from studykit.exercises.catalog import find_exercise, find_lab

    return find_exercise(where) if "." in where else (find_lab(where), None)


def _after(lab: Lab, exercise: Exercise) -> Exercise | None:
    """Return the exercise behind one of a lab, and say that it is watched; None behind the last."""
    place = lab.exercises.index(exercise) + 1
    following = lab.exercises[place] if place < len(lab.exercises) else None
    watched = following.title if following else f"the whole lab {lab.number}"
    typer.echo(f"Watching {watched} from now on.")
    return following


def _check_saved(path: Path | None, exercises: Sequence[Exercise]) -> bool:
    """Check a copy that was just saved, and return whether its first exercise passed.

    A copy that cannot be read is reported, and watched on.
    """
    from studykit.errors import StudyError

    try:
        if path is not None:
            return _check(path, exercises)[0] == "ok"
    except StudyError as error:
        typer.echo(str(error))
    return False


def _check(path: Path, exercises: Sequence[Exercise]) -> list[str]:
    """Check a copy, show the judgements and keep them; return the mark of each exercise."""
    from studykit.checks.lab import not_kept
    from studykit.checks.progress import Progress
    from studykit.course.learner.check import check_notebook
    from studykit.course.learner.report import age_text, checks_text
    from studykit.files import LockFailure

    typer.echo(f"Checking labs/{path.name}{age_text(path)} ...")
    checks, notes = check_notebook(path, exercises)
    typer.echo(checks_text(checks, notes))
    mine = Progress.of_learner()
    try:
        for check in checks:
            if check.judgement:
                mine.record(check.judgement)
    except (OSError, LockFailure) as error:
        mine.notes.append(not_kept(error))
    if mine.notes:
        typer.echo("\n".join(mine.notes))
    return [check.mark for check in checks]
