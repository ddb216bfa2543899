"""Look for a log on which a job is wrong, then make the log as small as it gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from random import Random
from typing import Final

from msgspec import Struct

from studykit.adversary.jobs import Job
from studykit.adversary.logs import Log, draw, smaller
from studykit.adversary.truth import difference, expected
from studykit.trace.steps import Policy

BATCH: Final = 250
"""Logs that a job gets at once: a job on Flink takes as long for one as for many."""


class Counterexample(Struct, frozen=True):
    """A log on which a job is wrong, and a sentence that says what is wrong."""

    log: Log
    sentence: str
    tried: int
    """How many logs were tried before the first on which the job was wrong."""


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
        found = _first_wrong(job, policy, drawn[first : first + BATCH])
        if found is not None:
            place, log, sentence = found
            return _shrink(job, policy, Counterexample(log, sentence, first + place), say)
    return None


def _shrink(
    job: Job, policy: Policy, found: Counterexample, say: Callable[[str], None]
) -> Counterexample:
    """Take the first simpler log that is wrong, too, until none is."""
    say(f"wrong on {len(found.log.events)} events")
    while True:
        candidates = list(islice(smaller(found.log, policy), BATCH))
        wrong = _first_wrong(job, policy, candidates)
        if wrong is None:
            return found
        _, log, sentence = wrong
        fewer = len(log.events) < len(found.log.events)
        say(f"smaller: {len(log.events)} events" if fewer else f"plainer: {log}")
        found = Counterexample(log, sentence, found.tried)


def _first_wrong(job: Job, policy: Policy, logs: Sequence[Log]) -> tuple[int, Log, str] | None:
    logs = [log for log in logs if log.events]
    for place, (log, said) in enumerate(zip(logs, job.run(logs), strict=True)):
        sentence = difference(log, said, expected(log, policy))
        if sentence is not None:
            return place, log, sentence
    return None
