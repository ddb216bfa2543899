"""Delivery: rows into the store, rows and dead letters to the broker, and refusals as letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

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


class Delivery:
    """Writes rows to the store, and hands rows and dead letters to the outbox for the broker.

    When `deliver` returns, the store has the rows. The broker may not: a commit waits for the
    outbox.
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

    def deliver(self, output: Output) -> None:
        """Write the rows of a batch, and send them and the dead letters.

        Raises:
            StoreUnusable: Redis refuses the command, and would refuse it again.
            ServiceAway: Redis stays away for longer than it is waited for.
        """
        if output.rows:
            # The store before the broker: a row that the store refuses becomes a dead letter, which
            # has to be on its way when the batch is committed.
            stored = self._write(output.rows)
            self._metrics.refused.inc(stored.stale)
            for name, count in Counter(row.feature_set for row in output.rows).items():
                self._metrics.rows.labels(name).inc(count)
            self._outbox.send((), self._unstored(stored.refused))
            self._note_conflicts(stored.conflicts)
        self._outbox.send(output.rows, output.letters)

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

    def _write(self, rows: list[FeatureRow]) -> WriteResult:
        """Write rows, waiting while the store is away; return what became of them."""
        while True:
            try:
                stored = self._store.write(rows)
            except StoreAway as error:
                self._patience.failed(error)
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
