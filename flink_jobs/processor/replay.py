"""Replay: the engine over a log file, without services.

A log file is a bounded stream: at its end nothing more will come, so every open window fires. A
replay is the public way to compare executions: the production job reads and writes the same files.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, in_order, read_log
from flink_jobs.connectors.result_files import write_results
from flink_jobs.processor.lane import Ledger
from flink_jobs.processor.partition import Output, Partition

BATCH = 10_000
"""How many records are processed at once; any other number gives the same output."""

LedgerKey = tuple[str, int, str]
"""Topic, partition and feature set."""


def replay(
    records: Iterable[LogRecord], settings: Settings
) -> tuple[Output, dict[LedgerKey, Ledger]]:
    """Process a bounded log of any number of topics and partitions to its end.

    Args:
        records: The records in arrival order; records of one partition in the order of offsets.
        settings: Windows, bound and lateness.

    Returns:
        All rows and dead letters, and a ledger for each partition and feature set.

    Raises:
        LogFileError: A record is one that no broker can have written: see `in_order`.
    """
    partitions: dict[tuple[str, int], Partition] = {}
    output = Output()
    stream = in_order(records)
    while batch := list(islice(stream, BATCH)):
        for (topic, number), group in _by_partition(batch).items():
            partition = partitions.get((topic, number))
            if partition is None:
                partition = partitions[topic, number] = Partition(topic, settings)
            output += partition.process(group)
    for partition in partitions.values():
        output += partition.finish()
    ledgers = {
        (topic, number, lane.feature_set.name): lane.ledger
        for (topic, number), partition in partitions.items()
        for lane in partition.lanes
    }
    return output, ledgers


def replay_file(log: Path, out: Path, settings: Settings) -> dict[LedgerKey, Ledger]:
    """Replay a log file into `features.jsonl` and `dead-letter.jsonl` in the folder `out`.

    Returns:
        A ledger for each partition and feature set.

    Raises:
        LogFileError: The log cannot be read.
        ResultFileError: The results cannot be written.
    """
    output, ledgers = replay(read_log(log), settings)
    write_results(out, output.rows, output.letters)
    return ledgers


def _by_partition(records: list[LogRecord]) -> dict[tuple[str, int], list[LogRecord]]:
    groups: dict[tuple[str, int], list[LogRecord]] = {}
    for record in records:
        groups.setdefault((record.topic, record.partition), []).append(record)
    return groups
