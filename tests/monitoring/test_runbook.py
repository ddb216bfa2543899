"""The commands of the runbook: each is one that exists, with options that it takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml
from click import Context, Group

from flink_jobs import stream_processor
from flink_jobs.config import Settings
from studykit.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = ("runbook.md", "evolution.md", "letters.md")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def commands(beginning: str) -> list[str]:
    """Return what stands in code and begins so, on a line of its own or between backticks."""
    found = []
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text()
        fenced = "\n".join(re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
        lines = [line.partition("  #")[0].strip() for line in fenced.splitlines()]
        spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))
        found += [code.removeprefix(".venv/bin/") for code in (*lines, *spans)]
    return sorted({code for code in found if code.startswith(beginning)})


@pytest.mark.parametrize("code", commands("study "))
def test_study_takes_it(code: str) -> None:
    command = typer.main.get_command(app)
    words = shlex.split(code)[1:]
    context = Context(command)
    while isinstance(command, Group) and command.name != "letters":
        name, *words = words
        assert name in command.commands, code
        command = command.commands[name]
        context = Context(command, parent=context)
    if command.name == "letters" and "replay" in words:  # its options may stand on either side
        command = command.commands["replay"]
        words.remove("replay")
    if not isinstance(command, Group):
        command.parse_args(context, words)


@pytest.mark.parametrize("code", commands("docker compose "))
def test_compose_has_the_service(code: str) -> None:
    words = shlex.split(code)[2:]
    if words[0] == "--profile":
        assert any(words[1] in service.get("profiles", []) for service in COMPOSE.values())
    elif len(words) > 1:
        assert words[1] in COMPOSE


@pytest.mark.parametrize("code", commands("--"))
def test_an_entry_point_takes_the_flag(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    helps = ""
    with pytest.raises(SystemExit):
        stream_processor.main(["--help"])
    helps += capsys.readouterr().out
    helps += (ROOT / "flink_jobs" / "feature_job.py").read_text()  # its own help loads Flink
    assert code.split(maxsplit=1)[0] in helps


def test_settings_are_real_ones() -> None:
    names = {name.upper() for name in Settings.__dataclass_fields__}
    for page in PAGES:
        told = re.findall(r"`([A-Z]+_[A-Z_]+)`", (ROOT / "docs" / page).read_text())
        assert {*told} <= names | {f"{name}_FILE" for name in names}, page
