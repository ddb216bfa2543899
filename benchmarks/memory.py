"""Memory: what the engine holds for one key."""

from __future__ import annotations

import gc
import tracemalloc

import msgspec

from benchmarks.measure import Figure
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import TRANSACTIONS
from flink_jobs.processor.partition import Partition
from flink_jobs.simulator.golden import golden_transactions


def measure() -> list[Figure]:
    """Measure the state of a partition in the middle of the golden log, with all fraud features."""
    records = [
        LogRecord(
            TRANSACTIONS, 0, offset, tx.event_time, tx.card_id.encode(), msgspec.json.encode(tx)
        )
        for offset, tx in enumerate(golden_transactions())
    ][:100_000]
    gc.collect()
    tracemalloc.start()
    partition = Partition(TRANSACTIONS, Settings())
    for first in range(0, len(records), 10_000):
        partition.process(records[first : first + 10_000])
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    keys = len({record.key for record in records})
    del partition
    return [Figure("memory", "all fraud features, 17 payments a window", held / keys, "bytes/key",
                   1, "itself")]  # fmt: skip
