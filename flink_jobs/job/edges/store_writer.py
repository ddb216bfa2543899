"""Rows on their way to Redis, from inside a Python function of the production job.

A batch is written before its rows go on to Kafka, and once more after a restart, which changes
nothing: the store refuses a row that is not newer. While the store is away the function waits, and
checkpoints wait with it. A row that the store refuses for good becomes a dead letter of the reason
`unstored`, and the other rows go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from flink_jobs.config import Settings
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.outbox import DELIVERY_TIMEOUT_S, Outbox, unstored
from flink_jobs.connectors.redis import FeatureStore, WriteResult, open_client
from flink_jobs.connectors.redis_errors import StoreAway
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import FeatureRow

PATIENCE_S: Final = 120.0
"""How long the store may be away before the job fails and Flink restarts it from its checkpoint,
seconds of wall time. A checkpoint may take five minutes: see `State.options`."""
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0

log = logging.getLogger("features")


class StoreWriter:
    """Writes batches of rows to Redis, and the rows that Redis refuses to the dead-letter topic."""

    def __init__(self, settings: Settings) -> None:
        """Write to the store and the broker of `settings`; connect to the broker only at need."""
        client = open_client(settings)
        ttl_ms = {feature_set.name: feature_set.ttl_ms(settings) for feature_set in CATALOG}
        self._names = Names(settings.features_prefix)
        self._store = FeatureStore(client, ttl_ms, self._names)
        self._settings = settings
        self._outbox: Outbox | None = None

    def __call__(self, rows: list[FeatureRow]) -> WriteResult:
        """Write a batch; return what became of its rows.

        Raises:
            StoreAway: The store stays away for longer than `PATIENCE_S`.
            StoreUnusable: The store refuses the command itself, and would refuse it again.
            KafkaUnusable: The broker does not take the dead letters.
        """
        stored = self._write(rows)
        if stored.refused:
            self._send(stored.refused)
        return stored

    def _write(self, rows: list[FeatureRow]) -> WriteResult:
        deadline, pause_s = time.monotonic() + PATIENCE_S, _FIRST_PAUSE_S
        while True:
            try:
                return self._store.write(rows)
            except StoreAway as error:
                if time.monotonic() > deadline:
                    raise
                if pause_s == _FIRST_PAUSE_S:  # once for each absence, not for each attempt
                    log.warning("Redis is away", extra={"context": {"error": str(error)}})
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _send(self, refused: Sequence[tuple[FeatureRow, str]]) -> None:
        """Send dead letters and wait for the broker.

        A checkpoint that overtook them would lose them: after a restart their rows do not come
        again.
        """
        if self._outbox is None:
            self._outbox = Outbox(self._settings)
        self._outbox.send((), unstored(refused, self._names))
        self._outbox.flush(DELIVERY_TIMEOUT_S)
