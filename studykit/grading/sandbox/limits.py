"""The limits of one submission."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard limits. Times are in seconds of the wall clock where nothing else is said."""

    cell_s: float = 10.0
    """One cell."""
    call_s: float = 5.0
    """All cases of one exercise together; a check in the notebook has the same limit."""
    submission_s: float = 60.0
    """The whole submission; a call that is not done by then has timed out."""
    judging_s: float = 5.0
    """Comparing the values of one exercise with the expected ones, in the trusted process."""
    cpu_s: int = 60
    """Processor time of one process."""
    memory_bytes: int = 512 * 2**20
    """What a process of a submission may add to the memory that the course itself needs; all of
    them together may add twice that."""
    output_bytes: int = 2**20
    """What a submission may print."""
