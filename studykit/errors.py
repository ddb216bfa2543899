"""The error that the teaching tools raise for a foreseeable mistake."""

from __future__ import annotations

from flink_jobs.errors import ForeseenError


class StudyError(ForeseenError):
    """A mistake that a person can mend. Its text is one sentence: what is wrong, and what to do.

    The command line prints the text without a traceback and ends with status 1.
    """
