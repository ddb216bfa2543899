"""What the course says about Flink's Kafka connector, on a real broker."""

from __future__ import annotations

from contextlib import closing
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from pyflink.java_gateway import get_gateway

from studykit.services.flink.jars import JarCache, read_lock
from tests.support.services.flink import Flink, ms

pytestmark = [pytest.mark.jvm, pytest.mark.services]


@pytest.fixture(scope="module")
def with_kafka(flink: Flink) -> Flink:
    """Return a Flink that has its Kafka connector."""
    jars = [jar.as_uri() for jar in JarCache.of_user().ensure(read_lock()["flink"].jars)]
    flink.env.add_jars(*jars)
    return Flink({"pipeline.jars": ";".join(jars)})


@pytest.mark.claim("flink-sql-kafka-on-event-watermarks")
def test_on_event_every_record_meets_the_watermark_of_those_before_it(
    with_kafka: Flink, kafka_servers: str
):
    topic = f"claims-{uuid4().hex}"
    with closing(KafkaAdminClient(bootstrap_servers=kafka_servers)) as admin:
        admin.create_topics([NewTopic(topic, 1, 1)])
    with closing(KafkaProducer(bootstrap_servers=kafka_servers)) as producer:
        for event_ms in (14_000, 3_000, 17_000, 16_000):
            producer.send(topic, str(event_ms).encode()).get(60)
    with_kafka.tables.execute_sql(
        f"CREATE TEMPORARY TABLE on_event (`at` BIGINT, rt AS TO_TIMESTAMP_LTZ(`at`, 3), "
        "WATERMARK FOR rt AS rt - INTERVAL '4.001' SECOND) WITH ('connector'='kafka', "
        f"'topic'='{topic}', 'properties.bootstrap.servers'='{kafka_servers}', 'format'='csv', "
        "'scan.startup.mode'='earliest-offset', 'scan.bounded.mode'='latest-offset', "
        "'scan.watermark.emit.strategy'='on-event')"
    )
    rows = with_kafka.rows(f"SELECT {ms('CURRENT_WATERMARK(rt)')} FROM on_event")
    assert [row[0] for row in rows] == [None, 9_999, 9_999, 12_999]


@pytest.mark.claim("flink-kafka-sink-is-at-least-once-by-default")
def test_the_kafka_sink_promises_at_least_once_unless_told_otherwise(with_kafka: Flink):
    options = get_gateway().jvm.org.apache.flink.streaming.connectors.kafka.table
    assert str(options.KafkaConnectorOptions.DELIVERY_GUARANTEE.defaultValue()) == "at-least-once"


@pytest.mark.claim("flink-kafka-sink-asks-for-an-hour", "kafka-transactions-end-after-1-minute")
def test_the_sink_asks_for_an_hour_and_a_producer_alone_for_a_minute(with_kafka: Flink):
    jvm = get_gateway().jvm
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    builder = loader.loadClass("org.apache.flink.connector.kafka.sink.KafkaSinkBuilder")
    asked = builder.getDeclaredField("DEFAULT_KAFKA_TRANSACTION_TIMEOUT")
    asked.setAccessible(True)
    assert asked.get(None).toMinutes() == 60
    clients = (
        jvm.org.apache.flink.kafka.shaded.org.apache.kafka.clients
    )  # the copy in the connector
    alone = clients.producer.ProducerConfig.configDef().defaultValues()
    assert alone["transaction.timeout.ms"] == 60_000


@pytest.mark.claim("flink-sql-kafka-appends-upsert-kafka-overwrites")
def test_only_a_table_with_a_key_takes_results_that_change(with_kafka: Flink):
    assert "changes" in refusal(with_kafka, "'connector'='kafka', 'format'='csv'")
    formats = "'connector'='upsert-kafka', 'key.format'='csv', 'value.format'='csv'"
    assert "PRIMARY KEY" in refusal(with_kafka, formats)
    assert refusal(with_kafka, formats, key=", PRIMARY KEY (k) NOT ENFORCED") == ""


def refusal(flink: Flink, connector: str, key: str = "") -> str:
    """Return why Flink does not plan a count of each word into a table; empty if it does."""
    name = f"sink_{uuid4().hex}"
    flink.tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (k STRING, total BIGINT{key}) WITH ({connector}, "
        "'topic'='counts', 'properties.bootstrap.servers'='127.0.0.1:1')"
    )
    counts = "SELECT k, COUNT(*) FROM (VALUES ('a'), ('b'), ('a')) AS seen (k) GROUP BY k"
    try:
        flink.tables.explain_sql(f"INSERT INTO {name} {counts}")
    except Exception as error:
        return str(error)
    return ""
