from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studykit.grading.sandbox import selftest
from studykit.grading.sandbox.isolation import Sandbox
from studykit.grading.sandbox.selftest import Findings, examine

_found: dict[Any, Findings] = {}


@pytest.fixture(autouse=True, scope="session")
def one_self_test() -> Any:
    """Try to break out once for each set of attempts, not before each of many small runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selftest, "examine", _examined)
        yield


def _examined(sandbox: Sandbox, lab: str) -> Findings:
    key = (sandbox.level, sandbox.branch is None, tuple(selftest._ATTEMPTS), lab)
    if key not in _found:
        _found[key] = examine(sandbox, lab)
    return replace(_found[key], sandbox=sandbox)
