"""Kafka and Redis as the edges of the production job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from pyflink.common import Row
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import (
    MAX_RECORD_BYTES,
    KafkaUnusable,
    check_topics,
    open_admin,
)
from flink_jobs.connectors.redis import FeatureStore, open_client
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC, DeadLetter
from flink_jobs.events import EVENT_TYPES
from flink_jobs.features.catalog import CATALOG
from flink_jobs.job.functions import Deliver, arguments
from flink_jobs.job.graph import statement
from flink_jobs.job.letters import LetterWriter, WriteLetters
from flink_jobs.job.plain_events import GROUP, MAX_TEXT, PLAIN_EVENTS, SEPARATOR

TRANSACTION_TIMEOUT_MS: Final = 900_000
"""How long the job may be away before what it has written, and not committed, is lost."""

_LETTER: Final = DataTypes.ROW(
    [
        DataTypes.FIELD("letter_key", DataTypes.BYTES()),
        DataTypes.FIELD("original", DataTypes.BYTES()),
        DataTypes.FIELD("headers", DataTypes.MAP(DataTypes.STRING(), DataTypes.BYTES())),
    ]
)


@dataclass(frozen=True, slots=True)
class KafkaEdges:
    """Reads the event topics; writes to Redis and to the topics of features and dead letters."""

    settings: Settings
    bounded: bool = False
    """Whether to end at what the topics hold now, as a log file ends: every open window fires."""
    idle_s: int = 60
    """Idle timeout of a silent partition, in seconds of wall-clock time; 0 disables it."""

    @property
    def group(self) -> str:
        """The job's consumer group. The development processor's commits are not for it."""
        return f"{self.settings.kafka_group}-flink"

    def create_sources(self, table_env: StreamTableEnvironment) -> None:
        """Create the tables of the event topics."""
        for topic in EVENT_TYPES:
            source = statement(
                "source_kafka",
                topic=topic,
                servers=self.settings.kafka_servers,
                group=self.group,
                plain_event_ms=_plain_event_ms(topic),
                bound_ms=self.settings.bound_ms,
                max_future_ms=self.settings.max_future_ms,
                bounded="latest-offset" if self.bounded else "unbounded",
                idle_s=self.idle_s,
            )
            table_env.execute_sql(source)

    def connect(self) -> Deliver:
        """Connect to Redis, which takes every batch of rows in one pipeline."""
        settings = self.settings
        client = open_client(settings)
        ttl_ms = {feature_set.name: feature_set.ttl_ms(settings) for feature_set in CATALOG}
        return FeatureStore(client, ttl_ms).write

    def create_sinks(self, table_env: StreamTableEnvironment) -> list[str]:
        """Create the sinks of features and dead letters."""
        writer = LetterWriter(self.settings.size_ms, self.settings.slide_ms)
        write = udf(WriteLetters(writer, _record), result_type=_LETTER)
        table_env.create_temporary_function("dead_letter", write)
        common: dict[str, str | int] = {
            "servers": self.settings.kafka_servers,
            "group": self.group,
            "transaction_timeout_ms": TRANSACTION_TIMEOUT_MS,
        }
        inserts = []
        for feature_set in CATALOG:
            name, target = feature_set.name, feature_set.target
            table_env.execute_sql(
                statement("sink_features_kafka", feature_set=name, target=target, **common)
            )
            inserts.append(f"INSERT INTO {name}_sink SELECT * FROM {name}_rows")
        table_env.execute_sql(
            statement(
                "sink_letters_kafka",
                target=DEAD_LETTER_TOPIC,
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
        settings: Where it is.
        readers: How many instances read each topic, and must each have something to read.

    Raises:
        KafkaUnusable: It does not answer, lacks a topic, ends transactions too soon, or has fewer
            partitions than there are readers.
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


def _longest_transaction_ms(admin: KafkaAdminClient) -> int:
    broker = str(admin.describe_cluster()["brokers"][0]["broker_id"])
    wanted = ConfigResource(ConfigResourceType.BROKER, broker)
    found = admin.describe_configs([wanted], config_filter=ConfigFilterType.ALL)
    return int(found["broker"][broker]["transaction.max.timeout.ms"]["value"])


def _plain_event_ms(topic: str) -> str:
    """Return the SQL of the event time of a plain event, null for any other record.

    REGEXP_EXTRACT would compile its pattern for every record; REGEXP_EXTRACT_ALL remembers it.
    """
    key, value = _head("`key`"), _head("`value`")
    text = f"CONCAT({key}, CHR({ord(SEPARATOR)}), {value})"
    found = ", ".join(
        f"REGEXP_EXTRACT_ALL({text}, '{pattern}', {GROUP})[1]" for pattern in PLAIN_EVENTS[topic]
    )
    return f"CAST(COALESCE({found}) AS BIGINT)"


def _head(column: str) -> str:
    """Return the SQL of the text of some bytes; what is too long is cut, and still too long."""
    return f"SUBSTRING(DECODE({column}, 'UTF-8') FROM 1 FOR {MAX_TEXT + 1})"


def _record(letter: DeadLetter) -> Row:
    return Row(letter_key=letter.key, original=letter.value, headers=dict(letter.headers))
