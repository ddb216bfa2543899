"""Measuring: contestants take turns, so that a machine that slows down slows all of them."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import psutil

Work = Callable[[], object]
"""Does the work once and returns what it found, which must be equal for all contestants."""


Clock = Callable[[], float]


class Timing(NamedTuple):
    """Seconds of the quickest of several rounds: other work on the machine only adds to them."""

    cpu_s: float
    wall_s: float


class Figure(NamedTuple):
    """One line of the table: a contestant against its baseline."""

    section: str
    name: str
    rate: float
    """Units of work a second: of CPU time in a computation, of wall time in a pipeline."""
    unit: str
    ratio: float
    """This rate over the baseline's."""
    baseline: str
    goal: str = ""


def tell(what: str) -> None:
    """Tell on stderr what is measured now: some of it takes minutes, in which no row appears."""
    print(f"{time.strftime('%H:%M:%S')} measuring: {what}", file=sys.stderr, flush=True)


def take_turns(
    contestants: Mapping[str, Work], rounds: int = 3, cpu_s: Clock = time.process_time
) -> dict[str, Timing]:
    """Run every contestant `rounds` times, in turn, after one warm-up each.

    Args:
        contestants: What to run, by name.
        rounds: How often it is timed.
        cpu_s: Seconds of processor time so far.

    Raises:
        AssertionError: Two contestants found different things.
    """
    found = {}
    for name, work in contestants.items():
        tell(f"{name}, warm-up")
        found[name] = work()
    first, *others = found
    for name in others:
        if found[name] != found[first]:
            raise AssertionError(f"{name} and {first} do not find the same: {found}")
    timings: dict[str, list[Timing]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        for name, work in contestants.items():
            tell(f"{name}, round {number} of {rounds}")
            timings[name].append(timed(work, cpu_s))
    return {
        name: Timing(min(t.cpu_s for t in taken), min(t.wall_s for t in taken))
        for name, taken in timings.items()
    }


def timed(work: Work, cpu_s: Clock = time.process_time) -> Timing:
    """Run work once."""
    gc.collect()
    wall, cpu = time.perf_counter(), cpu_s()
    work()
    return Timing(cpu_s() - cpu, time.perf_counter() - wall)


def cpu_s_of_all() -> float:
    """Return the processor seconds of this process and all below it, ended ones included."""
    seconds = 0.0
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system + times.children_user + times.children_system
    return seconds
