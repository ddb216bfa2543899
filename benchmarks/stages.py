"""Where the microseconds of an event go in the development processor, stage by stage.

A stage is processor time of the processor's own process, except Redis, a process beside it. It is
measured alone, or as the difference of two runs of which one has the stage more: the figures add up
to what an event costs, less the loop around the stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec
import redis

from benchmarks.measure import Figure, Work, take_turns
from benchmarks.pipeline import fill, read_all, services
from benchmarks.replays import golden_log
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.connectors.redis import FeatureStore
from flink_jobs.engine.aggregates import CountSumMax
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.events import TRANSACTIONS, EventDecoder, Transaction
from flink_jobs.features.catalog import FRAUD, FeatureSet
from flink_jobs.features.row import FeatureRow
from flink_jobs.processor.garbage import collect_rarely
from flink_jobs.processor.partition import Partition
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

BATCH: Final = 500
"""Records of a batch, as the processor polls them."""


class _Count(CountSumMax):
    """Counts events and looks at none: what windows cost by themselves."""

    def lift(self, values: Sequence[Any]) -> list[int]:
        """Return the number of the values as all three totals."""
        return [len(values)] * 3

    def add(self, acc: list[int], value: object) -> list[int]:
        """Count one value more."""
        return super().add(acc, 1)


def _counting(settings: Settings, clock: BoundedOutOfOrderness) -> Any:  # noqa: ANN401
    return SlidingOperator(SlidingWindows(settings.size_ms, settings.slide_ms), _Count(), clock)


COUNTED: Final = FeatureSet("fraud", TRANSACTIONS, "features-fraud", operator=_counting)


def measure() -> list[Figure]:
    """Measure each stage on the golden log, in nanoseconds an event."""
    collect_rarely()
    with services() as settings, redis.Redis(port=settings.redis_port) as client:
        count = fill(settings, range(1))
        records = list(islice(golden_log(), count))
        rows = _process(records, settings, [FRAUD])
        outbox = Outbox(settings)
        store = FeatureStore(client, {FRAUD.name: 300_000})
        before_s = _cpu_s_of(client)
        works: dict[str, Work] = {
            "plain": partial(read_all, settings, count, len, plain=True),
            "poll": partial(read_all, settings, count, len, plain=False),
            "decode": partial(_decode, records),
            "strict": partial(_decode_strictly, records),
            "clock": partial(_process, records, settings, []),
            "windows": partial(_process, records, settings, [COUNTED]),
            "features": partial(_process, records, settings, [FRAUD]),
            "store": partial(_write, store, client, rows),
            "kafka": partial(_send, outbox, rows),
        }
        times = take_turns({stage: partial(_silent, work) for stage, work in works.items()})
        redis_s = (_cpu_s_of(client) - before_s) / 4  # a warm-up and three rounds
        outbox.close()
    cpu_s = {stage: timing.cpu_s for stage, timing in times.items()}
    stages = {
        "poll (kafka-python, batches read by us)": cpu_s["poll"],
        "decode (msgspec)": cpu_s["decode"],
        "strictness: key, UTF-8, size": cpu_s["strict"] - cpu_s["decode"],
        "ledger and watermark": cpu_s["clock"] - cpu_s["strict"],
        "verdict and windows": cpu_s["windows"] - cpu_s["clock"],
        "the fraud features": cpu_s["features"] - cpu_s["windows"],
        "rows to Redis (redis-py)": cpu_s["store"],
        "rows to Kafka (librdkafka)": cpu_s["kafka"],
    }
    whole_s = sum(stages.values())
    figures = {
        **stages,
        "Redis itself, at the same time": redis_s,
        "poll by kafka-python alone, for comparison": cpu_s["plain"],
    }
    return [
        Figure("stages", stage, seconds / count * 1e9, "ns/event", seconds / whole_s,
               "the processor's own time")
        for stage, seconds in figures.items()
    ]  # fmt: skip


def _silent(work: Work) -> None:
    work()


def _decode(records: Sequence[LogRecord]) -> None:
    decode = msgspec.json.Decoder(Transaction).decode
    for record in records:
        decode(record.value or b"")


def _decode_strictly(records: Sequence[LogRecord]) -> None:
    decode = EventDecoder(TRANSACTIONS).decode
    for record in records:
        decode(record.key, record.value)


def _process(
    records: Sequence[LogRecord], settings: Settings, sets: list[FeatureSet]
) -> list[FeatureRow]:
    partition = Partition(TRANSACTIONS, settings, sets=sets)
    rows = []
    for first in range(0, len(records), BATCH):
        rows += partition.process(records[first : first + BATCH]).rows
    return rows


def _write(store: FeatureStore, client: redis.Redis, rows: Sequence[FeatureRow]) -> None:
    client.flushall()  # what is there already is refused, which costs less
    for first in range(0, len(rows), BATCH):
        store.write(rows[first : first + BATCH])


def _send(outbox: Outbox, rows: Sequence[FeatureRow]) -> None:
    outbox.send(rows, ())
    outbox.flush(60.0)


def _cpu_s_of(client: redis.Redis) -> float:
    used: Any = client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])
