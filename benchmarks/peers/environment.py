"""Environments of peers: what they need is theirs alone, and kept between runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

PYTHON: Final = "3.11"
"""The newest Python for which bytewax publishes a wheel is 3.12; the reference is 3.11."""
PATIENCE_S: Final = 300
HOME: Final = Path(__file__).parents[2] / ".study" / "peers"


def environment(name: str, packages: Sequence[str]) -> Path:
    """Return the Python of an environment that has `packages`; it is made where there is none."""
    folder = HOME / name
    python = folder / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    if not python.exists():
        subprocess.run([*uv, "venv", "-q", "--python", PYTHON, str(folder)], check=True)
    subprocess.run([*uv, "pip", "install", "-q", "--python", str(python), *packages], check=True)
    return python


def run(python: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Run a peer's script, and return the JSON object on its last line."""
    path = Path(__file__).with_name(script)
    programs = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(python), str(path), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, "PATH": programs},
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
