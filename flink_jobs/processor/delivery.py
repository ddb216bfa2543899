"""Delivery: rows into the store, rows and dead letters to the broker, and refusals as letters.

A thread writes to the store while the processor polls and computes the next batch: the store takes
longer for a row than the engine. There is one write at a time, so that rows keep their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from flink_jobs.connectors.outbox import Outbox, unstored
from flink_jobs.connectors.redis import FeatureStore, WriteResult
from flink_jobs.connectors.redis_errors import StoreAway
from flink_jobs.dead_letter import UnstoredRow
from flink_jobs.features.row import FeatureRow
from flink_jobs.processor.attention import Attention
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.partition import Output
from flink_jobs.processor.patience import Patience

UNSTORED_REMEDIES: Final = {
    "wrongtype": "delete the keys under features:* that are no hashes",
    "oom": "give it more memory, or let it evict",
}
"""What a person can do, by the store's code: one remedy for each code that is a row's own."""


class _Write(NamedTuple):
    """A write to the store that has begun."""

    rows: list[FeatureRow]
    result: Future[WriteResult]


class Delivery:
    """Writes rows to the store, and hands rows and dead letters to the outbox for the broker.

    After `settle` the store has the rows of all batches. The broker may not have them: a commit
    settles, and then waits for the outbox.
    """

    def __init__(
        self,
        store: FeatureStore,
        outbox: Outbox,
        metrics: Metrics,
        patience: Patience,
        attention: Attention,
    ) -> None:
        """Deliver to `store` and to `outbox`.

        Args:
            store: The feature store.
            outbox: Sends to the broker.
            metrics: Counts rows, refusals and conflicts.
            patience: How long a store that is away is waited for.
            attention: Tells of refusals and conflicts.
        """
        self._store = store
        self._outbox = outbox
        self._metrics = metrics
        self._patience = patience
        self._attention = attention
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._begun: _Write | None = None

    def deliver(self, output: Output) -> None:
        """Begin to write the rows of a batch, once those before are written; send all to Kafka.

        Raises:
            StoreUnusable: Redis refuses the command, and would refuse it again.
            ServiceAway: Redis stays away for longer than it is waited for.
        """
        self.settle()
        if output.rows:
            self._begun = self._begin(output.rows)
            for name, count in Counter(row.feature_set for row in output.rows).items():
                self._metrics.rows.labels(name).inc(count)
        self._outbox.send(output.rows, output.letters)

    def settle(self) -> None:
        """Wait until the store has taken or refused every row; send a dead letter for each refusal.

        Without this a commit could say that a row is delivered which no store and no letter has.

        Raises:
            StoreUnusable: Redis refuses the command, and would refuse it again.
            ServiceAway: Redis stays away for longer than it is waited for.
        """
        if self._begun is None:
            return
        stored = self._written(self._begun)
        self._begun = None
        self._metrics.refused.inc(stored.stale)
        self._outbox.send((), self._unstored(stored.refused))
        self._note_conflicts(stored.conflicts)

    def probe(self) -> None:
        """Ask the store whether it answers.

        Raises:
            StoreUnusable: Redis refuses the command, and would refuse it again.
            ServiceAway: Redis has been away for longer than it is waited for.
        """
        try:
            self._store.ping()
        except StoreAway as error:
            self._patience.failed(error)
        else:
            self._patience.answered()

    def _begin(self, rows: list[FeatureRow]) -> _Write:
        return _Write(rows, self._thread.submit(self._store.write, rows))

    def _written(self, begun: _Write) -> WriteResult:
        """Return what became of the rows of a write, begun again while the store is away."""
        while True:
            try:
                stored = begun.result.result()
            except StoreAway as error:
                self._patience.failed(error)
                begun = self._begin(begun.rows)
            else:
                self._patience.answered()
                return stored

    def _unstored(self, refused: Sequence[tuple[FeatureRow, str]]) -> list[UnstoredRow]:
        """Return the dead letters of rows that the store refused; count and tell the refusals."""
        for cause, count in Counter(cause for _, cause in refused).items():
            self._metrics.unstored.labels(cause).inc(count)
            self._attention.say(
                "rows not stored",
                f"Redis refuses rows ({cause}): they are dead letters of the reason unstored; "
                + UNSTORED_REMEDIES[cause],
                count=count,
            )
        return unstored(refused, self._outbox.names)

    def _note_conflicts(self, conflicts: int) -> None:
        if conflicts:
            self._metrics.conflicts.inc(conflicts)
            self._attention.say(
                "key in two partitions",
                "rows of one key and window come from two partitions, each a stream of its own: "
                "look for producers with different partitioners, or partitions that were added",
                count=conflicts,
            )
