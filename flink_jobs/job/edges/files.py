"""Files as the edges of the production job: a log file in, result files out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import in_order, read_log
from flink_jobs.connectors.result_files import write_results
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.events import EVENT_TYPES
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import FeatureRow
from flink_jobs.job.edges.letters import LetterFunction, LetterWriter
from flink_jobs.job.functions import Deliver, arguments, no_delivery
from flink_jobs.job.graph import statement

_DEAD_LETTERS: Final = "dead_letters"
Line = TypeVar("Line")


class _Row(FeatureRow, frozen=True):
    # Raw: the JSON of the features goes from file to file byte for byte, whatever the feature set.
    features: msgspec.Raw  # type: ignore[assignment]


class FileEdges:
    """Reads a log file and writes result files, by way of a folder for nothing else."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Work in the empty folder `folder`."""
        self._folder = folder
        self._letters = LetterWriter(settings.size_ms, settings.slide_ms)

    def split(self, log: Path) -> None:
        """Split a log file by topic into JSON lines that Flink reads: bytes as base64.

        Raises:
            LogFileError: The log cannot be read, or holds what no broker can have written.
        """
        with ExitStack() as stack:
            topics = {
                topic: stack.enter_context((self._folder / f"{topic}.jsonl").open("wb"))
                for topic in EVENT_TYPES
            }
            for record in in_order(read_log(log)):
                topics[record.topic].write(msgspec.json.encode(record) + b"\n")

    def create_sources(self, table_env: StreamTableEnvironment) -> None:
        """Create the table of each topic over the file that `split` wrote."""
        for topic in EVENT_TYPES:
            table_env.execute_sql(statement("source_files", topic=topic, folder=str(self._folder)))

    def connect(self) -> Deliver:
        """Return a function that delivers nowhere: a replay has no store."""
        return no_delivery

    def create_sinks(self, table_env: StreamTableEnvironment) -> list[str]:
        """Create a folder of lines for each feature set and one for the dead letters."""
        write = udf(LetterFunction(self._letters, _line), result_type=DataTypes.STRING())
        table_env.create_temporary_function("dead_letter_line", write)
        names = [f"{feature_set.name}_rows" for feature_set in CATALOG]
        for name in (*names, _DEAD_LETTERS):
            table_env.execute_sql(statement("sink_files", name=name, folder=str(self._folder)))
        return [f"INSERT INTO {name}_sink SELECT feature_row FROM {name}" for name in names] + [
            statement("insert_letter_lines", arguments=arguments(LetterWriter.write))
        ]

    def collect(self, out: Path) -> None:
        """Write the job's lines, once the job has ended, sorted to the result files in `out`.

        Raises:
            ResultFileError: The files cannot be written.
        """
        rows = (row for part in CATALOG for row in self._lines(f"{part.name}_rows", _Row))
        write_results(out, rows, self._lines(_DEAD_LETTERS, DeadLetter))

    def _lines(self, name: str, kind: type[Line]) -> Iterator[Line]:
        decode = msgspec.json.Decoder(kind).decode
        for part in (self._folder / name).glob("part-*"):
            with part.open("rb") as lines:
                for line in lines:
                    yield decode(line)


def _line(letter: DeadLetter) -> str:
    return msgspec.json.encode(letter).decode()
