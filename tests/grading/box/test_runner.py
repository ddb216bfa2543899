"""The runner's rehearsal: what submissions find of it is speed, and nothing else."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from studykit.grading.box.runner import rehearse
from studykit.grading.box.shell import make_shell

def seen():
    return sorted(shell.user_ns), shell.execution_count, list(shell.user_ns["In"])

shell = make_shell()
before = seen()
rehearse(shell)
assert seen() == before, (seen(), before)
"""


def test_a_rehearsal_leaves_nothing_behind() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)
