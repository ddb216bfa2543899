"""Grade a folder at one level of isolation: `python -m tests.support.climb LEVEL IN OUT`."""

import sys
from pathlib import Path

from studykit.grading.sandbox import selftest
from tests.support.submissions import graded

if __name__ == "__main__":
    level, submissions, out = sys.argv[1:]
    selftest.levels = lambda: [level]
    graded(Path(submissions), Path(out))
