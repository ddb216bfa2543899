"""Kafka and Redis as the edges of the production job."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata
from pyflink.common import Row
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import (
    MAX_RECORD_BYTES,
    KafkaUnusable,
    check_topics,
    open_admin,
)
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.security import ALLOWED_TOKENS, TOKEN_URL, KafkaSecurity
from flink_jobs.connectors.topics import Topics
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.events import EVENT_TYPES
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import ROW_HEADERS
from flink_jobs.job.edges.letters import LetterFunction, LetterWriter
from flink_jobs.job.edges.plain_events import GROUP, MAX_TEXT, PLAIN_EVENTS, SEPARATOR
from flink_jobs.job.edges.store_writer import StoreWriter
from flink_jobs.job.functions import Deliver, arguments
from flink_jobs.job.graph import statement

TRANSACTION_TIMEOUT_MS: Final = 900_000
"""How long a transaction of the job may stay open: the most that a broker allows by default.

A job that is away for longer loses, in the topics, the rows that it wrote and had not committed.
"""

_TIMEOUT_MS: Final = 5_000
_SHADED: Final = "org.apache.flink.kafka.shaded.org.apache.kafka."

_CLASSES: Final = frozenset({"sasl.jaas.config", "sasl.login.callback.handler.class"})
"""The properties in which a class of Kafka is named."""

_LETTER: Final = DataTypes.ROW(
    [
        DataTypes.FIELD("letter_key", DataTypes.BYTES()),
        DataTypes.FIELD("original", DataTypes.BYTES()),
        DataTypes.FIELD("headers", DataTypes.MAP(DataTypes.STRING(), DataTypes.BYTES())),
    ]
)

_ROW_HEADERS: Final = "MAP[{}]".format(
    ", ".join(
        f"CAST('{name}' AS STRING), CAST(x'{value.hex()}' AS BYTES)" for name, value in ROW_HEADERS
    )
)


@dataclass(frozen=True, slots=True)
class KafkaEdges:
    """Reads the event topics; writes to Redis and to the topics of features and dead letters."""

    settings: Settings
    bounded: bool = False
    """Whether the topics end at their present end, as a log file ends: every open window fires."""
    idle_s: int = 60
    """Idle timeout of a silent partition, in seconds of wall-clock time; 0 disables it."""

    @property
    def group(self) -> str:
        """The job's consumer group, which is not that of the development processor.

        Both executions may run at once, and each commits other offsets: the processor's commits lie
        where its open windows begin.
        """
        return f"{self.settings.kafka_group}-flink"

    def create_sources(self, table_env: StreamTableEnvironment) -> None:
        """Create the table of each event topic."""
        _allow_token(self.settings)
        for topic in EVENT_TYPES:
            source = statement(
                "source_kafka",
                topic=topic,
                servers=self.settings.kafka_servers,
                security=_security(self.settings),
                group=self.group,
                plain_event_ms=_plain_event_ms(topic),
                bound_ms=self.settings.bound_ms,
                max_future_ms=self.settings.max_future_ms,
                bounded="latest-offset" if self.bounded else "unbounded",
                idle_s=self.idle_s,
            )
            table_env.execute_sql(source)

    def connect(self) -> Deliver:
        """Return what writes every batch of rows to Redis in one pipeline."""
        return StoreWriter(self.settings)

    def create_sinks(self, table_env: StreamTableEnvironment) -> list[str]:
        """Create the sinks of features and dead letters; return the statements that fill them."""
        writer = LetterWriter(self.settings.size_ms, self.settings.slide_ms)
        write = udf(LetterFunction(writer, _record), result_type=_LETTER)
        table_env.create_temporary_function("dead_letter", write)
        common: dict[str, str | int] = {
            "servers": self.settings.kafka_servers,
            "security": _security(self.settings),
            "group": self.group,
            "transaction_timeout_ms": TRANSACTION_TIMEOUT_MS,
        }
        names = Names(self.settings.features_prefix)
        inserts = []
        for feature_set in CATALOG:
            name, target = feature_set.name, names.topic(feature_set.name)
            table_env.execute_sql(
                statement("sink_features_kafka", feature_set=name, target=target, **common)
            )
            inserts.append(f"INSERT INTO {name}_sink SELECT *, {_ROW_HEADERS} FROM {name}_rows")
        table_env.execute_sql(
            statement(
                "sink_letters_kafka",
                target=names.letters,
                max_record_bytes=MAX_RECORD_BYTES,
                **common,
            )
        )
        return [
            *inserts,
            statement("insert_letters_kafka", arguments=arguments(LetterWriter.write)),
        ]


def check_broker(settings: Settings, readers: int = 1) -> None:
    """Make sure that the broker answers, has every topic, and fits the job.

    Args:
        settings: The broker's address and security.
        readers: How many instances read each topic; each must have a partition. A reader without
            one holds the watermark back, and no window fires.

    Raises:
        KafkaUnusable: The broker does not answer, lacks a topic, ends transactions too soon, or has
            a topic with fewer partitions than there are readers.
    """
    check_topics(settings)
    admin = open_admin(settings)
    try:
        allowed_ms = _longest_transaction_ms(admin)
        fewest = min(len(topic["partitions"]) for topic in admin.describe_topics([*EVENT_TYPES]))
    finally:
        admin.close()
    if fewest < readers:
        raise KafkaUnusable(
            f"--parallelism {readers} is more than a topic has partitions ({fewest}): windows "
            f"would wait for readers that have nothing to read, so choose at most {fewest}"
        )
    if allowed_ms < TRANSACTION_TIMEOUT_MS:
        raise KafkaUnusable(
            f"the broker at {settings.kafka_servers} ends transactions after {allowed_ms} ms, and "
            f"the job's may last {TRANSACTION_TIMEOUT_MS} ms: raise the broker's "
            "transaction.max.timeout.ms to that"
        )


def topic_ids(settings: Settings) -> dict[str, str]:
    """Return the id of each event topic by name; a topic that is created anew has another id."""
    with closing(Topics(settings, _TIMEOUT_MS)) as topics:
        return {name: str(state.topic_id) for name, state in topics.states().items()}


def begin(edges: KafkaEdges) -> None:
    """Commit the beginning of the log for the job's group: where a job without state begins.

    The source goes on from the group's commits (`group-offsets`) and has no reset policy, so that
    an offset which the log does not hold is an error. The first start needs a commit, too.
    """
    with closing(_consumer(edges)) as consumer:
        places = _places(consumer)
        firsts = consumer.beginning_offsets(places)
        consumer.commit({place: OffsetAndMetadata(firsts[place], "", -1) for place in places})


def check_log(edges: KafkaEdges) -> None:
    """Make sure that the log still holds what comes after the group's commits.

    Flink commits with each checkpoint, so that a job goes on from its commits.

    Raises:
        KafkaUnusable: Records are gone that the job has not read.
    """
    with closing(_consumer(edges)) as consumer:
        places = _places(consumer)
        firsts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        read = {place: consumer.committed(place) for place in places}
    for place, offset in read.items():
        if offset is not None and offset > ends[place]:
            raise KafkaUnusable(
                f"{place.topic}/{place.partition} ends at offset {ends[place]}, and the job has "
                f"read up to {offset}: the log was cut short, or the topic was created anew, so "
                "choose another --state to start from what is left"
            )
    gaps = {
        place: firsts[place] - offset
        for place, offset in read.items()
        if offset is not None and offset < firsts[place]
    }
    if gaps:
        where = ", ".join(f"{place.topic}/{place.partition}" for place in sorted(gaps))
        raise KafkaUnusable(
            f"{sum(gaps.values())} records were deleted before the job read them, in {where}: "
            "keep records (retention.ms) for longer than the job may be away, and choose another "
            "--state to start from what is left"
        )


def _consumer(edges: KafkaEdges) -> KafkaConsumer:
    return KafkaConsumer(
        bootstrap_servers=edges.settings.kafka_servers,
        group_id=edges.group,
        enable_auto_commit=False,
        **KafkaSecurity.read(edges.settings).kafka_python,
    )


def _places(consumer: KafkaConsumer) -> list[TopicPartition]:
    places = [
        TopicPartition(topic, number)
        for topic in EVENT_TYPES
        for number in consumer.partitions_for_topic(topic) or ()
    ]
    consumer.assign(places)
    return places


def _longest_transaction_ms(admin: KafkaAdminClient) -> int:
    broker = str(admin.describe_cluster()["brokers"][0]["broker_id"])
    wanted = ConfigResource(ConfigResourceType.BROKER, broker)
    found = admin.describe_configs([wanted], config_filter=ConfigFilterType.ALL)
    return int(found["broker"][broker]["transaction.max.timeout.ms"]["value"])


def _plain_event_ms(topic: str) -> str:
    """Return the SQL of the event time of a plain event; null for any other record.

    REGEXP_EXTRACT compiles its pattern for every record; REGEXP_EXTRACT_ALL compiles it once.
    """
    key, value = _head("`key`"), _head("`value`")
    text = f"CONCAT({key}, CHR({ord(SEPARATOR)}), {value})"
    found = ", ".join(
        f"REGEXP_EXTRACT_ALL({text}, '{pattern}', {GROUP})[1]" for pattern in PLAIN_EVENTS[topic]
    )
    return f"CAST(COALESCE({found}) AS BIGINT)"


def _head(column: str) -> str:
    """Return the SQL of the text of some bytes.

    A text that is too long is cut to one character more than a pattern accepts: no pattern searches
    a payload of megabytes, and none matches the beginning of one.
    """
    return f"SUBSTRING(DECODE({column}, 'UTF-8') FROM 1 FOR {MAX_TEXT + 1})"


def _allow_token(settings: Settings) -> None:
    """Let Kafka's clients in this process's Java read the token file of the settings, if any.

    They read no file that this property does not list. The processes of a cluster need the property
    in Flink's option `env.java.opts.all`.
    """
    if url := KafkaSecurity.read(settings).java.get(TOKEN_URL):
        get_gateway().jvm.System.setProperty(ALLOWED_TOKENS, url)


def _security(settings: Settings) -> str:
    """Return the table options by which Flink's clients log in; none without a properties file.

    The connector's jar has Kafka's classes, login modules included, under another package name.
    """
    options = {
        key: value.replace("org.apache.kafka.", _SHADED) if key in _CLASSES else value
        for key, value in KafkaSecurity.read(settings).java.items()
    }
    # In an SQL literal a quote is two quotes: a password may have one.
    return "".join(
        "\n  'properties.{}' = '{}',".format(key, value.replace("'", "''"))
        for key, value in options.items()
    )


def _record(letter: DeadLetter) -> Row:
    return Row(letter_key=letter.key, original=letter.value, headers=dict(letter.headers))
