"""The command `study`. Each command imports what it needs itself, so that `--help` is instant."""

# ruff: noqa: PLC0415 - the imports inside the commands are what makes `--help` instant

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flink_jobs.errors import ForeseenError
from studykit.cli.course import add_to
from studykit.cli.grade import add_to as add_grading_to
from studykit.errors import StudyError

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Commands(TyperGroup):
    """Commands for which a foreseeable mistake is a sentence and status 1, not a traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run a command, and end the program where the command cannot go on."""
        try:
            return super().invoke(ctx)
        except ForeseenError as error:
            typer.secho(str(error), err=True, fg=typer.colors.RED)
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno not in _FULL:
                raise
            place = error.filename or "this disk"
            typer.secho(
                f"{error.strerror}: {place}: make room, then the same command goes on from here",
                err=True, fg=typer.colors.RED,
            )  # fmt: skip
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    help="The event-time lab: services, lessons and checks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # the coloured help takes half a second to load
    pretty_exceptions_enable=False,
)
jars = typer.Typer(help="Download the jars of Kafka and of Flink.", rich_markup_mode=None)
app.add_typer(jars, name="jars")
dead_letters = typer.Typer(help="List dead letters, or send them back.", rich_markup_mode=None)
app.add_typer(dead_letters, name="letters")
add_to(app)
add_grading_to(app)


@app.command()
def lab(
    port: Annotated[
        int | None, typer.Option(help="The port of JupyterLab; else the first free one from 8888.")
    ] = None,
    services: Annotated[bool, typer.Option(help="Start Kafka and Redis first.")] = True,
    browser: Annotated[bool, typer.Option(help="Open a browser, if there is one.")] = True,
) -> None:
    """Start the services and open JupyterLab on the study guide."""
    from rich.console import Console

    from studykit.cli.jupyter import lab as serve
    from studykit.workspace import Workspace

    serve(Workspace.of_clone(), Console(), port=port, services=services, browser=browser)


@app.command()
def up(
    flink: Annotated[bool, typer.Option("--flink", help="Start a Flink cluster, too.")] = False,
) -> None:
    """Start Kafka and Redis, and wait until both answer."""
    from rich.console import Console

    from studykit.services.up import up as start
    from studykit.workspace import Workspace

    start(Workspace.of_clone(), Console(), flink=flink)


@app.command()
def down() -> None:
    """Stop what `up` started; topics and keys stay."""
    from rich.console import Console

    from studykit.services.up import down as stop
    from studykit.workspace import Workspace

    stop(Workspace.of_clone(), Console())


@app.command()
def clean_data(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop the services and delete every topic, offset and key."""
    from rich.console import Console

    from studykit.services.up import clean_data as clean
    from studykit.workspace import Workspace

    workspace = Workspace.of_clone()
    if not yes:
        typer.confirm(f"Delete all topics, offsets and keys in {workspace.data}?", abort=True)
    clean(workspace, Console())


@app.command()
def env(
    flink: Annotated[bool, typer.Option("--flink", help="Print where Flink is, too.")] = False,
) -> None:
    """Print settings for programs: export $(study env)."""
    from studykit.services.addresses import Addresses
    from studykit.services.network.ports import HOST
    from studykit.workspace import Workspace

    workspace = Workspace.of_clone()
    addresses = Addresses.find(workspace)
    for name, value in addresses.environment().items():
        typer.echo(f"{name}={value}")
    if flink:
        from studykit.services.flink.home import flink_environ

        for name, value in flink_environ(workspace).items():
            typer.echo(f"{name}={value}")
        typer.echo(f"FLINK_LOG_DIR={workspace.logs}")
        typer.echo(f"FLINK_CLUSTER={HOST}:{addresses.flink_port}")


@app.command()
def seed(
    events: Annotated[int, typer.Option(min=1, help="Number of records, both topics.")] = 100_000,
    rate: Annotated[
        float | None,
        typer.Option(min=0.01, help="Records a second, with the times of now; else full speed."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Write a log file instead of Kafka's topics.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="The same seed gives the same records.")
    ] = 7,
    cards: Annotated[int, typer.Option(min=1, help="Number of cards.")] = 2_000,
    users: Annotated[int, typer.Option(min=1, help="Number of users.")] = 2_000,
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the records that are sent twice.")
    ] = 0.0,
) -> None:
    """Send simulated payments and clicks to Kafka.

    Some are late, some are broken, as in real traffic.
    """
    from rich.console import Console

    from flink_jobs.simulator.disorder import Disorder
    from studykit.services.addresses import Addresses
    from studykit.services.seed import Seeding
    from studykit.services.seed import seed as sow
    from studykit.workspace import Workspace

    disorder = Disorder(duplicate_share=duplicates)
    seeding = Seeding(
        events=events, rate=rate, seed=seed, cards=cards, users=users, disorder=disorder
    )
    servers = Addresses.find(Workspace.of_clone()).kafka_servers
    sow(seeding, servers=servers, to=to, console=Console())


@app.command()
def demo(
    seconds: Annotated[int, typer.Option(min=15, help="How long the demo runs.")] = 60,
) -> None:
    """Watch a minute of live traffic become features.

    The demo starts services of its own, and leaves nothing behind.
    """
    from rich.console import Console

    from studykit.cli.demo import demo as show
    from studykit.workspace import Workspace

    show(Workspace.of_clone(), Console(), seconds)


@app.command()
def feast() -> None:
    """Install Feast for lesson 13, in an environment of its own."""
    from studykit.services.feast.environment import install_feast
    from studykit.workspace import Workspace

    install_feast(Workspace.of_clone(), typer.echo)


@app.command()
def status() -> None:
    """Show what runs, and how far the features are behind."""
    from rich.console import Console

    from studykit.cli.status import show_status
    from studykit.workspace import Workspace

    show_status(Workspace.of_clone(), Console())


@app.command()
def doctor() -> None:
    """Look for what could keep the lab from working."""
    from rich.console import Console

    from studykit.cli.doctor import examine, show
    from studykit.workspace import Workspace

    if not show(examine(Workspace.of_clone()), Console()):
        raise typer.Exit(1)


@app.command(context_settings={"ignore_unknown_options": True})
def redis(
    words: Annotated[list[str], typer.Argument(help='A command, as in: study redis KEYS "*"')],
) -> None:
    """Send one command to Redis with redis-cli or valkey-cli."""
    import subprocess

    from flink_jobs.config import Settings
    from flink_jobs.connectors.redis import open_answering
    from studykit.services.addresses import Addresses
    from studykit.services.redis import cli_command
    from studykit.workspace import Workspace

    where = Addresses.find(Workspace.of_clone())
    settings = Settings.load({**os.environ, **where.environment()})
    open_answering(settings).close()  # the program would not say what to do
    command, secrets = cli_command(settings)
    environ = {**os.environ, **secrets}
    raise typer.Exit(subprocess.run([*command, *words], env=environ, check=False).returncode)


@app.command()
def prove(
    job: Annotated[str, typer.Argument(help="A file of SQL or Python: my.sql, my.py, my.py:name.")],
    size: Annotated[float, typer.Option(help="Length of a window, seconds.")] = 10,
    slide: Annotated[
        float | None, typer.Option(help="Seconds from window start to window start; else the size.")
    ] = None,
    bound: Annotated[float, typer.Option(help="Longest disorder to wait for, seconds.")] = 4,
    lateness: Annotated[float, typer.Option(help="Allowed lateness, seconds.")] = 0,
    logs: Annotated[int, typer.Option(min=1, help="How many logs are tried.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed tries the same logs.")] = 7,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the log that is found into this .png.")
    ] = None,
) -> None:
    """Look for the smallest log on which a job is wrong.

    The job is compared with the engine on logs whose times lie on the boundaries of windows.
    """
    from rich.console import Console

    from studykit.cli.prove import prove as look
    from studykit.trace.steps import Policy, PolicyError

    try:
        policy = Policy(
            size_ms=round(size * 1_000),
            slide_ms=None if slide is None else round(slide * 1_000),
            bound_ms=round(bound * 1_000),
            lateness_ms=round(lateness * 1_000),
        )
    except PolicyError as error:
        raise StudyError(str(error)) from None
    if not look(job, policy, Console(), logs=logs, seed=seed, picture=picture):
        raise typer.Exit(1)


@app.command()
def why(
    key: Annotated[str, typer.Argument(help="A key in Redis, as features:fraud:card_00042.")],
    window_end: Annotated[
        str | None,
        typer.Argument(
            help="The end of the window: epoch ms, or 2026-01-31T12:05:00 in UTC; else that of the "
            "stored row."
        ),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Read the events from this log file instead of Kafka.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every record.")] = False,
) -> None:
    """Explain a feature row: which events it counts.

    The events are read from the log again. Those that the row missed are named, too.
    """
    from rich.console import Console

    from studykit.cli.inspection.why import why as explain
    from studykit.workspace import Workspace

    workspace = Workspace.of_clone()
    if not explain(
        key, window_end, workspace=workspace, log=log, as_json=as_json, console=Console()
    ):
        raise typer.Exit(1)


@app.command()
def profile(
    source: Annotated[str, typer.Argument(help="A topic, or a file with one JSON event a line.")],
    time: Annotated[str, typer.Option(help="The field of the event time; a.b is b inside of a.")],
    key: Annotated[
        str | None, typer.Option(help="The field of the key; else the record's key.")
    ] = None,
    keep: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of events that the bound shall keep.")
    ] = 99.9,
    picture: Annotated[
        Path | None, typer.Option(help="Draw what each bound keeps: a .png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure disorder, delays, skew and silences of a stream.

    The stream may be any JSON events. A bound and an idle timeout for it are suggested.
    """
    from rich.console import Console

    from studykit.cli.inspection.profile import profile as look
    from studykit.workspace import Workspace

    look(
        source,
        time,
        key,
        kept=keep / 100,
        workspace=Workspace.of_clone(),
        picture=picture,
        as_json=as_json,
        console=Console(),
    )


_Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", help="Only letters of this reason; several may be given."),
]
_Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="Only letters whose original is of this topic.")
]
_Since = Annotated[
    str | None, typer.Option(help="Only letters written then or later: 2026-01-31T12:05:00.")
]
_Until = Annotated[str | None, typer.Option(help="Only letters written before.")]


@dead_letters.callback(invoke_without_command=True)
def letters(
    ctx: typer.Context,
    reason: _Reasons = None,
    topic: _Topics = None,
    since: _Since = None,
    until: _Until = None,
    last: Annotated[int, typer.Option(min=0, help="How many of the newest are listed.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print all, one JSON a line.")] = False,
) -> None:
    """Count and list the records that were not counted, and the rows that were not stored."""
    if ctx.invoked_subcommand is not None:
        return
    from rich.console import Console

    from studykit.cli.inspection.letters import letters as show
    from studykit.cli.inspection.letters import selected
    from studykit.workspace import Workspace

    selection = selected(reason, topic, since, until)
    show(
        selection,
        workspace=Workspace.of_clone(),
        last=last,
        as_json=as_json,
        console=Console(),
    )


@dead_letters.command("replay")
def replay_letters(
    reason: Annotated[list[str], typer.Option("--reason", help="Only letters of this reason.")],
    topic: _Topics = None,
    since: _Since = None,
    until: _Until = None,
    send: Annotated[bool, typer.Option("--send", help="Send them; else they are listed.")] = False,
) -> None:
    """Send back what would be counted now, never twice.

    An original goes back only if no feature set has counted it and each would count it now.
    """
    from rich.console import Console

    from studykit.cli.inspection.letters import replay, selected
    from studykit.workspace import Workspace

    selection = selected(reason, topic, since, until)
    replay(selection, workspace=Workspace.of_clone(), send=send, console=Console())


@jars.command()
def fetch() -> None:
    """Download the jars that are missing or damaged."""
    from rich.console import Console

    from studykit.services.flink.jars import JarCache, read_lock
    from studykit.services.up import fetch_jars

    cache = JarCache.of_user()
    locked = list(dict.fromkeys(jar for group in read_lock().values() for jar in group.jars))
    for jar in cache.damaged(locked):
        cache.drop(jar)
    fetch_jars(locked, Console())
    typer.echo(f"All {len(locked)} jars are in {cache.folder}")


@jars.command()
def update() -> None:
    """Resolve anew which jars jars.lock.json names, for developers."""
    from studykit.services.flink.jars import LOCK_FILE, JarCache, renew_lock

    for name, group in renew_lock(mirror=JarCache.of_user().mirror).items():
        size = sum(jar.size for jar in group.jars) / 1e6
        typer.echo(f"{name}: {len(group.jars)} jars, {size:.0f} MB")
    typer.echo(f"Written to {LOCK_FILE}")
