"""A sink, watched by three readers: of uncommitted records, of committed ones, and of a store.

>>> run = sunk([5, 9, 3], killed_after=3)
>>> [result.total for result in run.steps[-1].uncommitted]
[5, 14, 17, 17]
>>> [result.total for result in run.steps[-1].committed], run.steps[-1].held
([5, 14, 17], RunningTotal(revision=3, total=17))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["write", "checkpoint", "commit", "kill", "time-out", "restart"]
"""What happens in a step. A checkpoint saves the state, and its transaction is committed next."""
Fate: TypeAlias = Literal["open", "committed", "aborted"]


class RunningTotal(Struct, frozen=True, order=True):
    """What the job writes for a payment: how many it has counted, and their total."""

    revision: int
    total: int


StoreRule: TypeAlias = Callable[["RunningTotal | None", RunningTotal, int], "RunningTotal | None"]
"""Takes what is held, what comes, and the payment's own amount; returns what is held then."""


def guarded(held: RunningTotal | None, result: RunningTotal, amount: int) -> RunningTotal | None:
    """Take a result only if its revision is greater than the one that is held."""
    return result if held is None or result.revision > held.revision else held


def overwriting(held: RunningTotal | None, result: RunningTotal, amount: int) -> RunningTotal:
    """Take whatever comes."""
    return result


def adding(held: RunningTotal | None, result: RunningTotal, amount: int) -> RunningTotal:
    """Add the payment to what is held, as HINCRBY does."""
    return RunningTotal(result.revision, (held.total if held else 0) + amount)


STORES: Final[Mapping[str, StoreRule]] = {
    "guarded": guarded,
    "overwriting": overwriting,
    "adding": adding,
}
"""Ways to write to a store, by their name."""


class SinkRecord(Struct, frozen=True):
    """A result in the log of the topic: the step that wrote it, and what became of it so far."""

    result: RunningTotal
    step: int
    fate: Fate


class SinkStep(Struct, frozen=True):
    """A step, and what each reader has after it.

    Attributes:
        kind: What happens.
        log: Every record of the topic, in the order of their offsets.
        committed: What a reader of committed records has got, in its order.
        held: What the store holds.
        taken: Whether the store has taken what was written in this step.
    """

    kind: Kind
    log: tuple[SinkRecord, ...]
    committed: tuple[RunningTotal, ...]
    held: RunningTotal | None
    taken: bool

    @property
    def uncommitted(self) -> tuple[RunningTotal, ...]:
        """What a reader of uncommitted records has got: each record, as soon as it is written."""
        return tuple(record.result for record in self.log)


class SinkTrace(Struct, frozen=True):
    """All steps of a job that writes to a topic and to a store, and is killed once."""

    steps: tuple[SinkStep, ...]

    @property
    def lost(self) -> list[int]:
        """The revisions that were written, and that no reader of committed records ever gets."""
        last = self.steps[-1]
        told = {result.revision for result in last.committed}
        return sorted({result.revision for result in last.uncommitted} - told)


class _Job:
    """The job: its state, its place, and its transaction."""

    def __init__(self, store: StoreRule) -> None:
        self.store = store
        self.revision, self.total = 0, 0
        self.saved = 0, 0
        self.prepared = False
        self.records: list[SinkRecord] = []
        self.committed: list[RunningTotal] = []
        self.held: RunningTotal | None = None
        self.steps: list[SinkStep] = []

    def write(self, amount: int) -> None:
        self.revision += 1
        self.total += amount
        result = RunningTotal(self.revision, self.total)
        before = self.held
        self.held = self.store(before, result, amount)
        self.records.append(SinkRecord(result, len(self.steps) + 1, "open"))
        self.note("write", taken=self.held != before)

    def checkpoint(self) -> None:
        self.saved = self.revision, self.total
        self.prepared = True
        self.note("checkpoint")

    def end_transaction(self, fate: Fate) -> None:
        """Commit or abort what is open; the log keeps every record either way."""
        if fate == "committed":
            self.committed += [record.result for record in self.records if record.fate == "open"]
        self.records = [
            SinkRecord(record.result, record.step, fate) if record.fate == "open" else record
            for record in self.records
        ]
        self.prepared = False

    def commit(self) -> None:
        self.end_transaction("committed")
        self.note("commit")

    def time_out(self) -> None:
        self.end_transaction("aborted")
        self.note("time-out")

    def restart(self) -> None:
        """Go back to the checkpoint, commit what it had prepared, and take back what it had not."""
        self.revision, self.total = self.saved
        # After a time-out nothing is open: this commit comes too late, and the records are lost.
        self.end_transaction("committed" if self.prepared else "aborted")
        self.note("restart")

    def note(self, kind: Kind, *, taken: bool = False) -> None:
        log, committed = tuple(self.records), tuple(self.committed)
        self.steps.append(SinkStep(kind, log, committed, self.held, taken))


def sunk(
    amounts: Sequence[int],
    again: Sequence[int] | None = None,
    *,
    every: int = 2,
    killed_after: int = 0,
    before: Literal["checkpoint", "commit"] = "checkpoint",
    away_s: float = 5,
    timeout_s: float = 60,
    store: StoreRule = guarded,
) -> SinkTrace:
    """Write the running total of payments to a topic and to a store, and watch three readers.

    Args:
        amounts: The payments in the order in which they are read.
        again: The same in the order in which a restarted job reads them; None for the same order.
            With several partitions it may be another.
        every: A checkpoint follows so many payments, and the last.
        killed_after: The job is killed after so many payments; 0 for never.
        before: Whether it is killed before it takes the checkpoint, or after that and before it
            commits the transaction.
        away_s: Seconds until it is back.
        timeout_s: Seconds after which the broker aborts a transaction that is left open.
        store: How the store is written to.
    """
    job = _Job(store)
    order = amounts
    is_killed = False
    while job.revision < len(order):
        job.write(order[job.revision])
        dies = not is_killed and job.revision == killed_after
        if not dies or before == "commit":
            _checkpoint(job, len(order), every, commit=not dies)
        if dies:
            is_killed, order = True, again or amounts
            job.note("kill")
            if away_s > timeout_s:
                job.time_out()
            job.restart()
    return SinkTrace(tuple(job.steps))


def _checkpoint(job: _Job, last: int, every: int, *, commit: bool) -> None:
    if job.revision % every == 0 or job.revision == last:
        job.checkpoint()
        if commit:
            job.commit()
