"""The command `study`. Each command imports what it needs itself, so that `--help` is instant."""

# ruff: noqa: PLC0415 - the imports inside the commands are what makes `--help` instant

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flink_jobs.config import SettingsError
from studykit.errors import StudyError


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run a command; a foreseeable mistake is a sentence and status 1, not a traceback."""
        try:
            return super().invoke(ctx)
        except (StudyError, SettingsError) as error:
            typer.secho(str(error), err=True, fg=typer.colors.RED)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    help="The event-time lab: services, lessons and checks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # the coloured help takes half a second to load
    pretty_exceptions_enable=False,
)
jars = typer.Typer(help="The jars of Kafka and of the Flink connector.", rich_markup_mode=None)
app.add_typer(jars, name="jars")


@app.command()
def up() -> None:
    """Start Kafka and Redis, and wait until both answer."""
    from rich.console import Console

    from studykit.services.up import up as start
    from studykit.services.workspace import Workspace

    start(Workspace.of_clone(), Console())


@app.command()
def down() -> None:
    """Stop what `up` started, and nothing else. Topics and keys stay."""
    from rich.console import Console

    from studykit.services.up import down as stop
    from studykit.services.workspace import Workspace

    stop(Workspace.of_clone(), Console())


@app.command()
def clean_data(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop the services and delete every topic, offset and key."""
    from rich.console import Console

    from studykit.services.up import clean_data as clean
    from studykit.services.workspace import Workspace

    workspace = Workspace.of_clone()
    if not yes:
        typer.confirm(f"Delete all topics, offsets and keys in {workspace.data}?", abort=True)
    clean(workspace, Console())


@app.command()
def env() -> None:
    """Print the settings by which programs reach the services: `export $(study env)`."""
    from studykit.services.addresses import Addresses
    from studykit.services.workspace import Workspace

    for name, value in Addresses.find(Workspace.of_clone()).environment().items():
        typer.echo(f"{name}={value}")
