"""The graph of the production job, built from the statements in `sql/`.

    source -> clocked -> judged -> routed -> windows -> finished rows -> feature sinks
                                          -> dead letters -> dead-letter sink

`build` is pure: it adds statements to an environment and starts nothing. The sources and the sinks
are its *edges*, so that a test can run on files what production runs on Kafka.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from string import Template
from typing import Final, Protocol, TypeAlias

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import DataTypes, Schema, StreamTableEnvironment
from pyflink.table.udf import udf

from flink_jobs.config import Settings, SettingsError
from flink_jobs.connectors.names import Names
from flink_jobs.events import EVENT_TYPES
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.clickstream import SESSION_GAP_MS
from flink_jobs.job.functions import (
    FINISHERS,
    Deliver,
    RecordDecoder,
    RowFinisher,
    arguments,
    event_columns,
    event_type,
)
from flink_jobs.job.spread import salts
from flink_jobs.job.uids import name_operators

_SEEN_BEFORE: Final = "LAG(max_seen_ms) OVER (PARTITION BY salt, `partition` ORDER BY arrival)"
_FINISHED: Final = DataTypes.ROW(
    [
        DataTypes.FIELD("redis_key", DataTypes.STRING()),
        DataTypes.FIELD("feature_row", DataTypes.STRING()),
    ]
)


Statements: TypeAlias = Callable[..., str]
"""Returns the statement of a name, its `${...}` filled in by keyword: `statement`, or a function
that replaces some statements, as the lesson's textbook job does."""


class Edges(Protocol):
    """Where records come from, and where rows and dead letters go: sources and sinks."""

    def create_sources(self, table_env: StreamTableEnvironment) -> None:
        """Create a table for each event topic, with the columns of `source_files.sql`."""

    def connect(self) -> Deliver:
        """Return what takes every batch of rows on its way to the sink; runs in the workers.

        Flink pickles the bound method, and with it these edges: they hold no open connection.
        """

    def create_sinks(self, table_env: StreamTableEnvironment) -> list[str]:
        """Create the sinks; return the statements that insert the views of rows and letters."""


def statement(name: str, /, **values: str | int) -> str:
    """Return the statement in `sql/NAME.sql` with its `${...}` filled in.

    Raises:
        KeyError: A name in `${...}` has no value.
    """
    text = (files("flink_jobs") / "sql" / f"{name}.sql").read_text()
    return Template(text).substitute(values)


def build(
    env: StreamExecutionEnvironment,
    table_env: StreamTableEnvironment,
    settings: Settings,
    edges: Edges,
    statements: Statements = statement,
    restored_ms: Mapping[str, int] = {},
) -> None:
    """Add the job to an environment, ready to be executed.

    Args:
        env: A fresh environment; it gets the job's operators.
        table_env: The environment of tables on top of `env`; it gets the job's tables, views and
            functions.
        settings: Windows, bound and limits.
        edges: The sources and the sinks.
        statements: Gives the statements between the edges, by the names of the files in `sql/`.
        restored_ms: By topic, the watermark that its windows are restored with, epoch milliseconds.

    Raises:
        SettingsError: The production job cannot do what the settings ask for.
    """
    check_settings(settings)
    edges.create_sources(table_env)
    streams = {
        topic: _judge(table_env, settings, topic, statements, restored_ms.get(topic, 0))
        for topic in EVENT_TYPES
    }
    names = Names(settings.features_prefix)
    for feature_set in CATALOG:
        finish = udf(
            RowFinisher(feature_set.name, edges.connect, names),
            result_type=_FINISHED,
            func_type="pandas",
        )
        table_env.create_temporary_function(f"finish_{feature_set.name}", finish)
        columns = arguments(FINISHERS[feature_set.name])
        table_env.execute_sql(statements(feature_set.name, arguments=columns, **_windows(settings)))
    table_env.execute_sql(statements("dead_letters"))
    streams["letters"] = _translate(table_env, "dead_letters", "letters", "event_ms")
    inserts = table_env.create_statement_set()
    for insert in edges.create_sinks(table_env):
        inserts.add_insert_sql(insert)
    inserts.attach_as_datastream()
    name_operators(env, streams)


def check_settings(settings: Settings) -> None:
    """Refuse settings that Flink's windows cannot do.

    Flink's documentation calls allowed lateness in SQL (`table.exec.emit.allow-lateness`)
    experimental, and an update of a row would not fit a sink that only appends.

    Raises:
        SettingsError: The settings allow lateness.
    """
    if settings.lateness_ms:
        raise SettingsError(
            f"ALLOWED_LATENESS_SECONDS={settings.allowed_lateness_seconds} works in the "
            "development processor only, because windows in Flink SQL fire once: set it to 0"
        )


def interval(duration_ms: int) -> str:
    """Return a duration as a SQL literal: whole seconds, less than a hundred days.

    >>> interval(90_000_000)
    "INTERVAL '1 01:00:00' DAY TO SECOND"
    """
    minutes, seconds = divmod(duration_ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"INTERVAL '{days} {hours:02}:{minutes:02}:{seconds:02}' DAY TO SECOND"


def _windows(settings: Settings) -> dict[str, str | int]:
    return {
        "size": interval(settings.size_ms),
        "slide": interval(settings.slide_ms),
        "gap": interval(SESSION_GAP_MS),
        "gap_ms": SESSION_GAP_MS,
    }


def _judge(
    table_env: StreamTableEnvironment,
    settings: Settings,
    topic: str,
    statements: Statements,
    restored_ms: int,
) -> DataStream:
    """Add the view `TOPIC_events`: records with their verdicts and event time as rowtime.

    Returns:
        The stream that the view reads.
    """
    decode = udf(RecordDecoder(topic), result_type=event_type(topic), func_type="pandas")
    table_env.create_temporary_function(f"decode_{topic}", decode)
    values: dict[str, str | int] = {
        "topic": topic,
        "columns": ", ".join(event_columns(topic)),
        "decoded_columns": ", ".join(f"decoded.{name}" for name in event_columns(topic)),
        "line_watermark_ms": "watermark_ms",
        "salts": salts(),
        "restored_ms": max(restored_ms, 0),  # SQL writes 0 for no watermark; Flink has MIN_VALUE
        "bound_ms": settings.bound_ms,
        # `max_seen_ms` includes the record itself. With a bound that is harmless: a record that
        # sets the maximum is a bound ahead of the watermark. With bound 0 it would judge itself.
        "seen_ms": "max_seen_ms" if settings.bound_ms else _SEEN_BEFORE,
        "max_future_ms": settings.max_future_ms,
        "size_ms": settings.size_ms,
        "slide_ms": settings.slide_ms,
    }
    for name in ("clocked", "judged", "routed"):
        table_env.execute_sql(statements(name, **values))
    return _translate(table_env, f"{topic}_routed", f"{topic}_events")


def _translate(
    table_env: StreamTableEnvironment, view: str, name: str, event_ms: str = "event_time"
) -> DataStream:
    """Translate a view, once, to a stream that all statements after it read as `name`.

    Left to the planner, each reader could get its own copy of the sources and of all between, with
    its own watermark and its own Python workers: dead letters and windows could then disagree. The
    column `event_ms` becomes the rowtime.
    """
    table = table_env.from_path(view)
    schema = Schema.new_builder().from_resolved_schema(table.get_resolved_schema())
    schema.column_by_expression("event_clock", f"TO_TIMESTAMP_LTZ({event_ms}, 3)")
    schema.watermark("event_clock", "SOURCE_WATERMARK()")
    stream = table_env.to_data_stream(table)
    table_env.create_temporary_view(name, table_env.from_data_stream(stream, schema.build()))
    return stream
