"""What the course says about Kafka, on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

pytestmark = pytest.mark.services

LONG_AGO_MS = 1_000
CREATE_TIME, LOG_APPEND_TIME = 0, 1


@pytest.fixture
def admin(kafka_servers: str) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_servers)) as client:
        yield client


def new_topic(admin: KafkaAdminClient, partitions: int = 1, **settings: str) -> str:
    name = f"claims-{uuid4().hex}"
    admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
    return name


def send(servers: str, topic: str, *values: bytes, key: bytes | None = None) -> None:
    with closing(KafkaProducer(bootstrap_servers=servers)) as producer:
        for value in values:
            producer.send(topic, value, key, timestamp_ms=LONG_AGO_MS).get(60)


def read(servers: str, topic: str, **settings) -> list:
    """Return what a reader of partition 0 gets until its end."""
    partition = TopicPartition(topic, 0)
    with closing(KafkaConsumer(bootstrap_servers=servers, **settings)) as consumer:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        found = []
        while consumer.position(partition) < end:
            found += consumer.poll(1_000).get(partition, [])
    return found


def broker_default(admin: KafkaAdminClient, name: str) -> str:
    """Return the value that a broker has for a setting which nobody has set."""
    broker = str(admin.describe_cluster()["brokers"][0]["broker_id"])
    wanted = ConfigResource(ConfigResourceType.BROKER, broker)
    found = admin.describe_configs(
        [wanted], include_synonyms=True, config_filter=ConfigFilterType.ALL
    )
    synonyms = found["broker"][broker][name]["synonyms"]
    return next(
        synonym["value"] for synonym in synonyms if "default" in str(synonym["source"]).lower()
    )


@pytest.mark.claim("kafka-timestamp-type-is-a-topic-setting")
@pytest.mark.parametrize(
    ("setting", "kind"), [("CreateTime", CREATE_TIME), ("LogAppendTime", LOG_APPEND_TIME)]
)
def test_a_topic_chooses_whose_clock_its_records_show(admin, kafka_servers, setting, kind):
    topic = new_topic(admin, **{"message.timestamp.type": setting})
    send(kafka_servers, topic, b"payment")
    (record,) = read(kafka_servers, topic)
    assert record.timestamp_type == kind
    assert (record.timestamp == LONG_AGO_MS) == (kind == CREATE_TIME)


@pytest.mark.claim("kafka-default-timestamp-is-create-time")
def test_a_broker_that_nobody_has_told_takes_the_producers_clock(admin):
    assert broker_default(admin, "log.message.timestamp.type") == "CreateTime"


@pytest.mark.claim("kafka-reading-removes-nothing")
def test_what_one_reader_has_read_another_reads_again(admin, kafka_servers):
    topic = new_topic(admin)
    send(kafka_servers, topic, b"first", b"second")
    for _ in range(2):
        assert [record.value for record in read(kafka_servers, topic)] == [b"first", b"second"]


@pytest.mark.claim("kafka-order-within-a-partition")
def test_records_of_a_key_stay_in_one_partition_and_in_order(admin, kafka_servers):
    topic = new_topic(admin, partitions=4)
    sent = [str(number).encode() for number in range(20)]
    send(kafka_servers, topic, *sent, key=b"card-7")
    with closing(KafkaConsumer(bootstrap_servers=kafka_servers)) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(4)]
        ends = consumer.end_offsets(partitions)
        assert sorted(ends.values()) == [0, 0, 0, 20]
        (home,) = (partition for partition in partitions if ends[partition])
        consumer.assign([home])
        consumer.seek_to_beginning(home)
        found = []
        while len(found) < len(sent):
            found += [record.value for record in consumer.poll(1_000).get(home, [])]
    assert found == sent


@pytest.mark.claim("kafka-commit-metadata")
def test_a_commit_carries_a_text_of_its_own(admin, kafka_servers):
    partition = TopicPartition(new_topic(admin), 0)
    group = f"claims-{uuid4().hex}"
    for _ in range(2):
        with closing(KafkaConsumer(bootstrap_servers=kafka_servers, group_id=group)) as consumer:
            consumer.assign([partition])
            held = consumer.committed(partition, metadata=True)
            consumer.commit({partition: OffsetAndMetadata(5, "123|456", -1)})
    assert (held.offset, held.metadata) == (5, "123|456")


@pytest.mark.claim("kafka-read-uncommitted-is-the-default", "kafka-open-transaction-is-invisible")
def test_only_a_reader_of_committed_records_waits_for_the_transaction(admin, kafka_servers):
    topic = new_topic(admin)
    name = f"claims-{uuid4().hex}"
    producer = KafkaProducer(bootstrap_servers=kafka_servers, transactional_id=name)
    with closing(producer):
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic, b"feature").get(60)
        seen = [record.value for record in read(kafka_servers, topic)]
        committed = read(kafka_servers, topic, isolation_level="read_committed")
        producer.abort_transaction()
    assert seen == [b"feature"]
    assert committed == []
    assert read(kafka_servers, topic, isolation_level="read_committed") == []


@pytest.mark.claim("kafka-transactions-at-most-15-minutes")
def test_a_broker_allows_transactions_of_15_minutes(admin):
    assert broker_default(admin, "transaction.max.timeout.ms") == "900000"


@pytest.mark.claim("kafka-refuses-longer-transactions-than-its-cap")
def test_a_producer_that_asks_for_an_hour_is_refused(kafka_servers):
    hour_ms, name = 3_600_000, f"claims-{uuid4().hex}"
    producer = KafkaProducer(
        bootstrap_servers=kafka_servers, transactional_id=name, transaction_timeout_ms=hour_ms
    )
    with closing(producer), pytest.raises(KafkaError, match=r"(?i)timeout"):
        producer.init_transactions()


@pytest.mark.claim("kafka-idempotence-ends-with-the-producer")
def test_a_new_producer_that_sends_the_same_again_doubles_it(admin, kafka_servers):
    topic = new_topic(admin)
    for _ in range(2):
        with closing(
            KafkaProducer(bootstrap_servers=kafka_servers, enable_idempotence=True)
        ) as producer:
            producer.send(topic, b"r1").get(60)
    assert [record.value for record in read(kafka_servers, topic)] == [b"r1", b"r1"]


@pytest.mark.claim(
    "kafka-new-producer-aborts-the-open-transaction", "kafka-aborted-records-stay-in-the-log"
)
def test_a_producer_of_the_same_id_takes_back_what_the_first_left_open(admin, kafka_servers):
    topic, name = new_topic(admin), f"claims-{uuid4().hex}"
    first = KafkaProducer(bootstrap_servers=kafka_servers, transactional_id=name)
    second = KafkaProducer(bootstrap_servers=kafka_servers, transactional_id=name)
    with closing(first), closing(second):
        first.init_transactions()
        first.begin_transaction()
        first.send(topic, b"17").get(60)
        second.init_transactions()
        second.begin_transaction()
        second.send(topic, b"18").get(60)
        second.commit_transaction()
        with pytest.raises(KafkaError):
            first.commit_transaction()
    committed = read(kafka_servers, topic, isolation_level="read_committed")
    assert [record.value for record in committed] == [b"18"]
    assert [record.value for record in read(kafka_servers, topic)] == [b"17", b"18"]


@pytest.mark.claim("kafka-open-transaction-holds-back-what-follows")
def test_a_reader_of_committed_records_stops_at_the_first_open_transaction(admin, kafka_servers):
    topic, name = new_topic(admin), f"claims-{uuid4().hex}"
    producer = KafkaProducer(bootstrap_servers=kafka_servers, transactional_id=name)
    with closing(producer):
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic, b"open").get(60)
        send(kafka_servers, topic, b"behind it")
        waiting = read(kafka_servers, topic, isolation_level="read_committed")
        producer.abort_transaction()
    assert waiting == []
    after = read(kafka_servers, topic, isolation_level="read_committed")
    assert [record.value for record in after] == [b"behind it"]
