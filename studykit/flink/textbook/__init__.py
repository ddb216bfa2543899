"""The usual split of late events: the production job, but with verdicts by CURRENT_WATERMARK.

It reads well, it agrees with the windows on a laptop, and it loses events whenever it recovers.
A restored source has no watermark until every partition has spoken, so CURRENT_WATERMARK is null
and late events pass as on time. The windows have their own watermark back from the checkpoint, and
drop those events without a word. With parallelism 2 it is wrong even undisturbed: a source's
watermark covers only its own partitions, and the windows' minimum lags behind it, so an event can
be in a window that its dead letter says it missed.

The test `tests/parity/test_chaos.py` counts both. To run it in the place of the
production job:

    python -m studykit.flink.textbook --cluster 127.0.0.1:8081 --state textbook-state
"""

from __future__ import annotations

from importlib.resources import files
from string import Template
from typing import Final

from flink_jobs.job.graph import statement

OWN: Final = ("clocked", "judged")
"""The statements in this folder; all others are the production job's."""

_OTHERS: Final = {"routed": {"line_watermark_ms": "0"}}
"""What other statements are given in the place of the production job's values.

A line that names no watermark is open in every window, so that Flink's windows alone decide.
"""


def textbook_statement(name: str, /, **values: str | int) -> str:
    """Return a statement of the job with the split, its `${...}` filled in."""
    if name in OWN:
        text = (files("studykit.flink.textbook") / f"{name}.sql").read_text()
        return Template(text).substitute(values)
    return statement(name, **{**values, **_OTHERS.get(name, {})})
