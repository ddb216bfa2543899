"""The fraud windows once more, in the DataStream API: to learn from, and to measure SQL against.

    python flink_jobs/datastream/job.py --replay events.jsonl --out results --form timers

Two forms share source and sink. `windows` leaves all to Flink's window operator; `timers` does
everything itself, by the rules of the production job. Both run Python for each payment, which is
slow and why production uses neither: see `make bench`. Both have an allowed lateness, which Flink
SQL has not.

Where the log has one partition, both forms give the rows of the development processor. With more
partitions only `timers` agrees. A file is one input to Flink, with one watermark that follows the
newest partition, while each partition should be judged by its own. The dead letters of `windows`
lack `partial_late` in any case: Flink does not tell of an event that missed some of its windows.
"""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from pyflink.common import WatermarkStrategy
from pyflink.common.serialization import Encoder
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.datastream.connectors.file_system import (
    BucketAssigner,
    FileSink,
    FileSource,
    StreamFormat,
)
from pyflink.table import DataTypes, Schema, StreamTableEnvironment

from flink_jobs import entry
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogFileError, read_log
from flink_jobs.datastream.payments import LETTERS, PAYMENT, PaymentReader
from flink_jobs.datastream.timers import timed
from flink_jobs.datastream.windows import windowed
from flink_jobs.events import TRANSACTIONS
from flink_jobs.job.edges.files import FileEdges
from flink_jobs.job.graph import interval
from flink_jobs.runtime.environment import table_environment

Form: TypeAlias = Literal["windows", "timers"]
ExecutionMode: TypeAlias = Literal["process", "thread"]
"""Where Python runs: in processes of its own, or inside the Java process (by PEMJA)."""

FORMS: Final[dict[Form, Callable[[DataStream, Settings], tuple[DataStream, DataStream]]]] = {
    "windows": windowed,
    "timers": timed,
}


def replay_with_datastream(
    log: Path,
    out: Path,
    settings: Settings,
    *,
    form: Form = "timers",
    mode: ExecutionMode = "process",
) -> None:
    """Replay the transactions of a log file into `features.jsonl` and `dead-letter.jsonl` in `out`.

    Raises:
        LogFileError: The log cannot be read.
        ResultFileError: The results cannot be written.
        NoJava: There is no Java that Flink runs on.
    """
    with tempfile.TemporaryDirectory(prefix="datastream-job-") as folder:
        edges = FileEdges(Path(folder), settings)
        edges.split(log)
        env, table_env = table_environment(1, _options(form, mode))
        partitions = {record.partition for record in read_log(log) if record.topic == TRANSACTIONS}
        build(env, table_env, settings, Path(folder), form, partitions=len(partitions))
        env.execute("datastream")
        edges.collect(out)


def build(
    env: StreamExecutionEnvironment,
    table_env: StreamTableEnvironment,
    settings: Settings,
    folder: Path,
    form: Form,
    *,
    partitions: int = 1,
) -> None:
    """Add the job to an environment; it reads and writes files in `folder`.

    Args:
        env: The environment.
        table_env: The table environment over `env`.
        settings: Windows, bound and lateness.
        folder: The folder in which `FileEdges.split` has written the topic's records.
        form: The form of the job.
        partitions: How many partitions the file holds.
    """
    lines = FileSource.for_record_stream_format(
        StreamFormat.text_line_format(), str(folder / f"{TRANSACTIONS}.jsonl")
    ).build()
    read = env.from_source(lines, WatermarkStrategy.no_watermarks(), TRANSACTIONS).process(
        PaymentReader(settings), PAYMENT
    )
    held_back = form == "timers" and partitions > 1
    rows, late = FORMS[form](_clocked(table_env, read, settings, held_back=held_back), settings)
    rows.sink_to(_lines(folder / "fraud_rows")).name("rows")
    read.get_side_output(LETTERS).union(late).sink_to(_lines(folder / "dead_letters")).name(
        "letters"
    )


def _clocked(
    table_env: StreamTableEnvironment, payments: DataStream, settings: Settings, *, held_back: bool
) -> DataStream:
    """Give payments event time, and a watermark after each payment.

    The DataStream API sends a watermark every 200 ms of wall time, so that a verdict would depend
    on how fast the machine reads. SQL sends one for each row and takes off only what its expression
    says: the millisecond is ours. Where the watermark is held back, it comes at the end of the file
    only.
    """
    clock = f"event_clock - {interval(settings.bound_ms)} - INTERVAL '0.001' SECOND"
    schema = (
        Schema.new_builder()
        .column("card_id", DataTypes.STRING())
        .column("event_time", DataTypes.BIGINT())
        .column("partition", DataTypes.INT())
        .column("offset", DataTypes.BIGINT())
        .column("payload", DataTypes.BYTES())
        .column_by_expression("event_clock", "TO_TIMESTAMP_LTZ(event_time, 3)")
        .watermark("event_clock", "CAST(NULL AS TIMESTAMP_LTZ(3))" if held_back else clock)
        .build()
    )
    return table_env.to_data_stream(table_env.from_data_stream(payments, schema))


def _lines(folder: Path) -> FileSink:
    return (
        FileSink.for_row_format(str(folder), Encoder.simple_string_encoder())
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .build()
    )


def _options(form: Form, mode: ExecutionMode) -> dict[str, str]:
    """Return Flink's settings for a form.

    A Python process gets records in bundles, and Flink holds the watermark until a bundle is over.
    The verdict of a window operator depends on the watermark, so for `windows` a bundle must be one
    record.
    """
    options = {
        "pipeline.auto-watermark-interval": "0 ms",  # after each row, not by a clock
        "python.execution-mode": mode,
        # Python inside Java looks nowhere else, not even where this package is.
        "python.pythonpath": os.pathsep.join(
            [sysconfig.get_path("purelib"), str(Path(__file__).parents[2])]
        ),
    }
    if form == "windows":
        options["python.fn-execution.bundle.size"] = "1"
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return its exit status."""
    parser = entry.flags("datastream_job", "Compute fraud windows in Flink's DataStream API.")
    parser.add_argument("--form", choices=FORMS, default="timers", help="(default: timers)")
    parser.add_argument(
        "--mode", choices=get_args(ExecutionMode), default="process", help="where Python is"
    )
    return entry.run(parser, arguments, _work)


def _work(options: argparse.Namespace, settings: Settings) -> None:
    if options.replay is None:
        raise LogFileError("there is no log to read: name one with --replay FILE")
    replay_with_datastream(
        options.replay, options.out, settings, form=options.form, mode=options.mode
    )


if __name__ == "__main__":
    sys.exit(main())
