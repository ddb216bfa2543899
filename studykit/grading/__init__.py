"""Grading: a trusted process judges, a sandbox runs the submission, and only JSON crosses.

Begin with `run.py`, a whole run, and `grader.py`, one submission. `intake/` finds out who handed in
what, `notebook/` which cells are run; `sandbox/` runs them, and `box/` is the half of it that is
inside. `cases.py` draws hidden cases from the `secret.py`, `judging.py` compares, `pool.py` does it
side by side, and `book/` keeps marks and pages.
"""
