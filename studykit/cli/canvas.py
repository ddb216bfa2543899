"""The command `study canvas`."""

# ruff: noqa: PLC0415 - the imports inside the command are what makes `--help` instant

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def canvas(
    marks: Annotated[Path, typer.Argument(help="The file marks-for-canvas.csv of study grade.")],
    course: Annotated[int, typer.Option(help="Canvas's number of the course, as in its address.")],
    column: Annotated[str | None, typer.Option(help="The column, if several hold marks.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send them; else they are listed.")] = False,
) -> None:
    """Show or send the marks that Canvas has otherwise.

    CANVAS_URL is the address of Canvas, CANVAS_TOKEN_FILE a file with an access token of yours.
    """
    from studykit.grading.book.canvas import CanvasAssignment, column_of

    number, wanted = column_of(marks, column)
    assignment = CanvasAssignment.find(course, number)
    changes, unknown = assignment.differing(wanted)
    for change in changes:
        typer.echo(f"{change.person}: {change.before or 'no mark'} -> {change.after}")
    for person in unknown:
        typer.echo(f"{person}: not in this assignment, left out")
    if not changes:
        typer.echo("Canvas has these marks already.")
    elif send:
        assignment.send(changes)
        typer.echo(f"Canvas has taken {len(changes)} marks.")
    else:
        typer.echo(f"Nothing was sent. --send sends these {len(changes)}.")
