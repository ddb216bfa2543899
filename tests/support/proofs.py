"""The proofs of what the course claims: every test with the mark `claim`, as pytest finds it."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

CLONE = Path(__file__).parents[2]
_FOUND = "CLAIM_PROOFS_FOUND"
_NEVER_RUN = ("skip", "skipif", "xfail")


@dataclass(frozen=True)
class Proof:
    """A test that proves claims.

    Attributes:
        test: Its name for pytest, without parameters.
        claims: The ids that it proves.
        fault: Why it proves nothing, or None.
    """

    test: str
    claims: tuple[str, ...]
    fault: str | None


def proofs(root: Path = CLONE) -> list[Proof]:
    """Return every proof that pytest would run under `root / "tests"`.

    Raises:
        AssertionError: pytest cannot read one of the files.
    """
    files = [str(path) for path in sorted((root / "tests").rglob("test_*.py")) if _marks(path)]
    found = root / ".pytest_cache" / f"proofs-{os.getpid()}.json"
    found.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
         "-p", "tests.support.proofs", "--rootdir", root, *files],
        cwd=root, env={**os.environ, _FOUND: str(found), "PYTHONPATH": str(CLONE)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    lines = json.loads(found.read_text())
    found.unlink()
    return [Proof(line["test"], tuple(line["claims"]), line["fault"]) for line in lines]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write what was collected to the file that `proofs` names."""
    if _FOUND not in os.environ:
        return
    items = [item for item in session.items if isinstance(item, pytest.Function)]
    found = {proof.test: asdict(proof) for item in items if (proof := _proof(item))}
    Path(os.environ[_FOUND]).write_text(json.dumps(list(found.values())))


def _proof(item: pytest.Function) -> Proof | None:
    ids = tuple(claim for mark in item.iter_markers("claim") for claim in mark.args)
    if not ids:
        return None
    return Proof(item.nodeid.partition("[")[0], ids, _fault(item))


def _fault(item: pytest.Function) -> str | None:
    for name in _NEVER_RUN:
        if item.get_closest_marker(name):
            return f"it is marked {name}"
    return None if _asserts(item.function) else "it asserts nothing"


def _asserts(function: Callable[..., Any]) -> bool:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raises = "pytest.raises"
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == raises)
        for node in ast.walk(tree)
    )


def _marks(path: Path) -> bool:
    return "mark.claim(" in path.read_text("utf-8")
