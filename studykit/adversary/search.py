"""Look for a log on which a job is wrong, then make the log as small as it gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice
from random import Random
from typing import Final

from msgspec import Struct

from studykit.adversary.jobs import Job
from studykit.adversary.logs import KEYS, Log, draw, smaller
from studykit.adversary.truth import difference, expected
from studykit.trace.steps import Policy

BATCH: Final = 250
"""Logs that a job gets at once: a job on Flink takes as long for one as for a batch."""


class Counterexample(Struct, frozen=True):
    """A log on which a job is wrong, and a sentence that says what is wrong."""

    log: Log
    sentence: str


def search(
    job: Job,
    policy: Policy,
    *,
    logs: int = 1_000,
    seed: int = 7,
    say: Callable[[str], None] = lambda _text: None,
) -> Counterexample | None:
    """Return the smallest counterexample that is found; None if the job is right on every log.

    Args:
        job: The job on trial.
        policy: What the job claims to compute: window, bound and lateness.
        logs: How many logs are drawn.
        seed: The same seed draws the same logs.
        say: A function that is given the progress, in a few words.

    Raises:
        JobError: The job cannot be run.
    """
    rng = Random(seed)
    drawn = [draw(rng, policy, restarts=job.restarts) for _ in range(logs)]
    for first in range(0, logs, BATCH):
        say(f"log {first + 1} to {min(first + BATCH, logs)} of {logs}")
        if found := _wrong(job, policy, drawn[first : first + BATCH]):
            return _shrink(job, policy, found, say)
    return None


def _shrink(
    job: Job, policy: Policy, found: Counterexample, say: Callable[[str], None]
) -> Counterexample:
    """Take a simpler log that is wrong, too, until none is."""
    say(f"wrong on {len(found.log.events)} events")
    while simpler := _wrong(job, policy, _simpler(job, found.log, policy)):
        fewer = len(simpler.log.events) < len(found.log.events)
        say(f"smaller: {len(simpler.log.events)} events" if fewer else f"plainer: {simpler.log}")
        found = simpler
    return found


def _simpler(job: Job, log: Log, policy: Policy) -> list[Log]:
    """Return what is simpler in one respect; for a wide job also what is simpler in two."""
    logs = list(islice(smaller(log, policy), BATCH))
    further = (other for step in logs for other in smaller(step, policy))
    return list(islice(dict.fromkeys(chain(logs, further)), BATCH)) if job.wide else logs


def _wrong(job: Job, policy: Policy, logs: Sequence[Log]) -> Counterexample | None:
    """Return the first log that is wrong; for a wide job the simplest, which saves further runs."""
    logs = [log for log in logs if log.events]
    wrong = (
        Counterexample(log, sentence)
        for log, said in zip(logs, job.run(logs), strict=True)
        if (sentence := difference(log, said, expected(log, policy))) is not None
    )
    return min(wrong, key=_size, default=None) if job.wide else next(wrong, None)


def _size(found: Counterexample) -> tuple[int, ...]:
    """Return what every step of `smaller` lowers: the less, the simpler is the log."""
    log = found.log
    left = 0 if log.restart is None else 1 + len(log.events) - log.restart
    keys = sum(event.key != KEYS[0] for event in log.events)
    values = sum(event.value != 1 for event in log.events)
    return len(log.events), left, keys, values, sum(event.event_ms for event in log.events)
