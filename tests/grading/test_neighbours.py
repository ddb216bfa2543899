"""Neighbours: an honest mark does not depend on who is graded beside it."""

from __future__ import annotations

from pathlib import Path

from studykit.grading.example.maker import as_bytes
from tests.support.grading.submissions import all_pass, graded, put, solved, verdicts

HOG = """
import os
for n in range(30):
    if os.fork() == 0:
        os.setsid()
        while True: pass
while True: pass
"""
BUSY = """
import time
def to_ms(stamp):
    until = time.process_time() + 0.02
    while time.process_time() < until: pass
    return stamp * 1000 if stamp < 10**11 else stamp if stamp < 10**14 else stamp // 1000
"""
"""Of the 1.5 s that all cases may take, it uses 0.5 s of a processor."""


def test_who_takes_all_processors_takes_nobody_s_time(tmp_path: Path) -> None:
    books = {"honest-1": BUSY, "honest-2": BUSY, "hog-1": HOG, "hog-2": HOG}
    put(
        tmp_path / "in",
        {
            f"{name}/lab.ipynb": as_bytes(solved({"to_ms": source}))
            for name, source in books.items()
        },
    )
    found = graded(tmp_path / "in", tmp_path / "out", workers=4)
    assert {name: verdicts(found[name]) for name in books} == {
        "honest-1": all_pass(),
        "honest-2": all_pass(),
        "hog-1": all_pass(e2="timeout"),
        "hog-2": all_pass(e2="timeout"),
    }
