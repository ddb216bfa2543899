"""Both executions of one log, and the result files of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flink_jobs import feature_job
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.processor import replay


@dataclass(frozen=True)
class ResultFiles:
    """The lines of the result files of one execution."""

    rows: list[str]
    letters: list[str]

    @classmethod
    def read(cls, out: Path) -> ResultFiles:
        return cls(_lines(out / "features.jsonl"), _lines(out / "dead-letter.jsonl"))

    def letters_of(self, partition: int) -> list[dict[str, Any]]:
        found = map(json.loads, self.letters)
        return [letter for letter in found if letter["partition"] == partition]

    def rows_of(self, key: str) -> list[dict[str, Any]]:
        return [row for row in map(json.loads, self.rows) if row["key"] == key]


@dataclass(frozen=True)
class Executions:
    """The result files of the production job and of the development processor for one log."""

    job: ResultFiles
    processor: ResultFiles

    @classmethod
    def of(
        cls, records: Iterable[LogRecord], settings: Settings, folder: Path, parallelism: int
    ) -> Executions:
        log = folder / "log.jsonl"
        write_log(log, records)
        feature_job.replay_file(log, folder / "job", settings, parallelism)
        replay.replay_file(log, folder / "processor", settings)
        return cls(ResultFiles.read(folder / "job"), ResultFiles.read(folder / "processor"))

    def assert_equal(self) -> None:
        """Compare line by line; name the first that only one of them has."""
        for job, processor in (
            (self.job.rows, self.processor.rows),
            (self.job.letters, self.processor.letters),
        ):
            assert processor, "nothing was written, so nothing was compared"
            assert next(iter(set(job) - set(processor)), None) is None, "only the job has this"
            assert next(iter(set(processor) - set(job)), None) is None, "the job lacks this"
            assert job == processor


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
