"""Grade a folder at one level of isolation.

`python -m tests.support.grading.climb LEVEL ENGINE IN OUT`
"""

import sys
from pathlib import Path

from studykit.grading.sandbox import selftest
from tests.support.grading.submissions import graded

if __name__ == "__main__":
    level, engine, submissions, out = sys.argv[1:]
    selftest.levels = lambda: [level]
    graded(Path(submissions), Path(out), engine=engine)
