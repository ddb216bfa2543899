"""What the entry points share: flags, and the way in which a foreseeable mistake ends a program."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from flink_jobs.config import Settings
from flink_jobs.errors import ForeseenError


def flags(program: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with a flag for every setting, and the flags of a replay."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    for setting in _shown():
        parser.add_argument(
            f"--{setting.name.replace('_', '-')}",
            metavar=str(setting.default or "FILE"),
            help=f"or {setting.name.upper()} (default: {setting.default or 'none'})",
        )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="process a log file instead")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("replay"),
        help="where a replay writes features.jsonl and dead-letter.jsonl (default: replay)",
    )
    return parser


def _shown() -> list[Field[Any]]:
    """Return the settings that are flags: all but the secrets."""
    return [setting for setting in fields(Settings) if "secret" not in setting.metadata]


def run(
    parser: argparse.ArgumentParser,
    arguments: list[str] | None,
    work: Callable[[argparse.Namespace, Settings], None],
) -> int:
    """Do `work` with the options and the settings; return the exit status, 0 or 1.

    Args:
        parser: What `flags` returned, with the program's own flags added.
        arguments: The words of the command line; None takes the words of this process.
        work: What the program does. Where it raises a `ForeseenError`, the sentence goes to
            standard error and the status is 1. Other errors are mistakes in the program and pass.
    """
    options = parser.parse_args(arguments)
    try:
        given = {setting.name: getattr(options, setting.name) for setting in _shown()}
        work(options, Settings.load(os.environ, **given))
    except ForeseenError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0
