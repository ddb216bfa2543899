"""A job that is killed at any step, by what its checkpoint holds and what its sink does.

Payments are counted in windows, and a window is written when a later payment closes it. There is
one checkpoint. The job is killed once, begins again from what the checkpoint holds, and reads to
the end.

>>> kills = killed_everywhere()
>>> outcome = kills.outcome("commit, then write", checkpoint=4, kill=15)
>>> outcome.lost, outcome.doubled
((1, 2, 3), ())
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

SIZE_MS: Final = 10_000
TIMES_MS: Final = (2_000, 5_000, 8_000, 11_000, 14_000, 21_000, 24_000, 27_000)
"""Eight payments, in order: #4 closes the first window, #6 the second, and the end the third."""
STEPS: Final = 4
"""Steps of a payment: read, count, and the two of which a design has its own order."""

Act = Literal["read", "count", "write", "commit"]


class Design(Struct, frozen=True):
    """What a job does about a crash.

    Attributes:
        name: As the widget calls it.
        keeps_state: Whether the checkpoint holds the open windows.
        keeps_offset: Whether it holds the place in the log; else the reader goes on where it was.
        writes_first: Whether rows are written before the checkpoint is made.
        adds_up: Whether the sink adds each row that it gets; else a row replaces its window's.
    """

    name: str
    keeps_state: bool = True
    keeps_offset: bool = True
    writes_first: bool = True
    adds_up: bool = False

    @property
    def acts(self) -> tuple[Act, ...]:
        """The steps of a payment, in their order."""
        if self.writes_first:
            return ("read", "count", "write", "commit")
        return ("read", "count", "commit", "write")


DESIGNS: Final = (
    Design("state only", keeps_offset=False),
    Design("offset only", keeps_state=False),
    Design("commit, then write", writes_first=False),
    Design("write, then commit, add up", adds_up=True),
    Design("write, then commit, replace"),
)


class KillOutcome(Struct, frozen=True):
    """What the sink has at the end.

    Attributes:
        read: How many payments had been read when the job was killed.
        resumed: After how many payments the second run begins to read.
        saved: Whether there was a checkpoint when the job was killed.
        times: How often each payment is in the sink's rows, in order.
    """

    read: int
    resumed: int
    saved: bool
    times: tuple[int, ...]

    @property
    def lost(self) -> tuple[int, ...]:
        """The numbers of the payments that are in no row."""
        return tuple(number for number, count in enumerate(self.times, start=1) if not count)

    @property
    def doubled(self) -> tuple[int, ...]:
        """The numbers of the payments that are in several rows."""
        return tuple(number for number, count in enumerate(self.times, start=1) if count > 1)

    @property
    def word(self) -> Literal["right", "lost", "doubled"]:
        """What is wrong first of all."""
        if self.lost:
            return "lost"
        return "doubled" if self.doubled else "right"


class _Job:
    """One run of the job: its place in the log, its open windows, and rows that are not written."""

    def __init__(self, offset: int, windows: dict[int, tuple[int, ...]]) -> None:
        self.read = self.counted = offset
        self.windows = dict(windows)
        self.unwritten: list[tuple[int, tuple[int, ...]]] = []

    def count(self, time_ms: int) -> None:
        """Count the payment that was read into its window, and close the windows before it."""
        self.counted += 1
        start_ms = time_ms - time_ms % SIZE_MS
        self.windows[start_ms] = (*self.windows.get(start_ms, ()), self.counted)
        self.close(start_ms)

    def close(self, until_ms: float) -> None:
        """Close every window that begins before a time."""
        for start_ms in [start_ms for start_ms in self.windows if start_ms < until_ms]:
            self.unwritten.append((start_ms, self.windows.pop(start_ms)))


class Kills(Struct, frozen=True):
    """One log, and all moments at which a job that reads it may be killed."""

    times_ms: tuple[int, ...] = TIMES_MS

    @property
    def last(self) -> int:
        """The last moment: all payments have been dealt with."""
        return STEPS * len(self.times_ms)

    def outcome(self, design: str, checkpoint: int, kill: int) -> KillOutcome:
        """Return what the sink has at the end.

        Args:
            design: The name of one of `DESIGNS`.
            checkpoint: After which payment the checkpoint is made; 0 is the beginning.
            kill: After how many steps the job is killed.
        """
        plan = next(known for known in DESIGNS if known.name == design)
        rows: list[tuple[int, tuple[int, ...]]] = []
        job = _Job(0, {})
        saved: tuple[int, dict[int, tuple[int, ...]]] | None = None
        for number, act in self._steps(plan, kill):
            if act == "commit" and number == checkpoint:
                saved = job.counted, dict(job.windows)
            _do(job, act, rows, self.times_ms)
        offset, windows = saved or (0, {})
        resumed = offset if plan.keeps_offset else job.read
        after = _Job(resumed, windows if plan.keeps_state else {})
        for time_ms in self.times_ms[resumed:]:
            after.count(time_ms)
        after.close(float("inf"))
        rows += after.unwritten
        # The rows are by window: a dict keeps the last row of each, as a sink that replaces does.
        kept = rows if plan.adds_up else list(dict(rows).items())
        held = [number for _, numbers in kept for number in numbers]
        times = tuple(held.count(number) for number in range(1, len(self.times_ms) + 1))
        return KillOutcome(job.read, resumed, saved is not None, times)

    def wrong(self, design: str) -> int:
        """Return at how many of all moments and checkpoints a design ends with a wrong sink."""
        return sum(
            self.outcome(design, checkpoint, kill).word != "right"
            for checkpoint in range(len(self.times_ms) + 1)
            for kill in range(self.last + 1)
        )

    def _steps(self, plan: Design, count: int) -> Iterator[tuple[int, Act]]:
        """Yield the first steps of a run: the payment's number, and what is done."""
        for step in range(count):
            yield step // STEPS + 1, plan.acts[step % STEPS]


def killed_everywhere() -> Kills:
    """Return the eight payments, with every moment at which the job may be killed."""
    return Kills()


def _do(
    job: _Job, act: Act, rows: list[tuple[int, tuple[int, ...]]], times_ms: tuple[int, ...]
) -> None:
    if act == "read":
        job.read += 1
    elif act == "count":
        job.count(times_ms[job.counted])
    elif act == "write":
        rows += job.unwritten
        job.unwritten = []
