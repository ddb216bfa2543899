"""`study up` and its sisters, as a person types them, in a workspace of their own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from rich.console import Console

from studykit.services.kafka import Kafka
from studykit.services.network.ports import free_port, is_taken, next_free
from studykit.services.redis import Redis, find_redis
from studykit.services.topics import PARTITIONS, TOPICS
from studykit.services.up import around_others
from studykit.workspace import Workspace
from tests.support.services.shared import home_for_services

pytestmark = pytest.mark.services

STUDY = Path(sys.executable).with_name("study")
PARTITION = TopicPartition("transactions", 0)
UNCLAIMED = 32_000
"""From here on no `free_port` lies, and up to 32,768 no outgoing connection."""


class Terminal:
    """A learner's terminal: the command `study` with a home and ports of its own."""

    def __init__(self, home: Path) -> None:
        self.workspace = Workspace(home)
        self.kafka_port, self.redis_port = free_port(), free_port()
        self.environ = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
        self.environ |= {
            "STUDY_HOME": str(home),
            "KAFKA_PORT": str(self.kafka_port),
            "REDIS_PORT": str(self.redis_port),
            "COLUMNS": "200",
        }

    def study(self, *words: str, status: int = 0, **environ: str) -> str:
        """Run a command, check how it ends, and return what it said."""
        result = subprocess.run(
            [STUDY, *words],
            env=self.environ | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert result.returncode == status, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result.stdout + result.stderr

    def pids(self) -> list[int]:
        return [service.record(self.workspace).pid for service in (Kafka, Redis)]

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.kafka_port}"


_SETTINGS = ("KAFKA_SERVERS", "KAFKA_PORT", "REDIS_HOST", "REDIS_PORT", "STUDY_HOME")


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    """A terminal whose services were brought up once; a test that breaks it brings it up again."""
    with home_for_services() as home:
        terminal = Terminal(home)
        said = terminal.study("up")
        assert f"on 127.0.0.1:{terminal.kafka_port}" in said
        assert f"on 127.0.0.1:{terminal.redis_port}" in said
        yield terminal


def send(servers: str, value: bytes, topic: str = PARTITION.topic, partition: int = 0) -> int:
    """Append a record, with a time of its own that must not count, and return its offset."""
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", max_request_size=11 << 20)
    try:
        return producer.send(topic, value, partition=partition, timestamp_ms=5).get(30).offset
    finally:
        producer.close()


def fetch(servers: str, offset: int, **settings: object) -> list:
    """Return the records of one partition from `offset` on, as many as one poll brings."""
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, **settings)
    try:
        consumer.assign([PARTITION])
        consumer.seek(PARTITION, offset)
        return consumer.poll(10_000).get(PARTITION, [])
    finally:
        consumer.close()


def test_up_a_second_time_changes_nothing(terminal):
    before = terminal.pids()
    assert terminal.study("up").count("runs already") == 2
    assert terminal.pids() == before


def test_every_topic_has_its_partitions(terminal):
    consumer = KafkaConsumer(bootstrap_servers=terminal.servers)
    try:
        assert {t: len(consumer.partitions_for_topic(t)) for t in TOPICS} == {
            topic: PARTITIONS for topic in TOPICS
        }
    finally:
        consumer.close()


def test_the_timestamp_is_the_broker_s_and_ten_megabytes_pass(terminal):
    value = os.urandom(10 << 20)
    before = int(time.time() * 1000)
    offset = send(terminal.servers, value)
    (record,) = fetch(terminal.servers, offset, max_partition_fetch_bytes=11 << 20)
    assert record.value == value
    assert before <= record.timestamp <= int(time.time() * 1000)


def test_one_node_takes_transactions(terminal):
    producer = KafkaProducer(
        bootstrap_servers=terminal.servers,
        transactional_id="test",
        transaction_timeout_ms=900_000,  # what the production job asks for
    )
    try:
        producer.init_transactions()
        producer.begin_transaction()
        sent = producer.send(PARTITION.topic, b"committed", partition=0)
        producer.commit_transaction()
    finally:
        producer.close()
    records = fetch(terminal.servers, sent.get(5).offset, isolation_level="read_committed")
    assert records[0].value == b"committed"


def test_a_misspelt_topic_is_not_created(terminal):
    consumer = KafkaConsumer("transactoins", bootstrap_servers=terminal.servers)
    try:
        consumer.poll(300)
        assert "transactoins" not in consumer.topics()
    finally:
        consumer.close()


def test_status_shows_ports_the_lag_of_the_group_in_the_settings_and_keys(terminal):
    last = send(terminal.servers, b"x", "clickstream", 1)
    consumer = KafkaConsumer(bootstrap_servers=terminal.servers, group_id="mine")
    try:
        part = TopicPartition("clickstream", 1)
        consumer.assign([part])
        consumer.commit({part: OffsetAndMetadata(last, "", -1)})
    finally:
        consumer.close()
    with redis.Redis(port=terminal.redis_port) as client:
        client.hset("features:session:u1", "events", 3)
        client.hset("features:fraud:c1", "tx_count", 3)
        client.hset("features:fraud:c2", "tx_count", 3)
        client.hset("green:fraud:c2", "tx_count", 3)
    lines = [line.split() for line in terminal.study("status", KAFKA_GROUP="mine").splitlines()]
    assert ["topic", "records", "by", "partition", "lag", "of", "group", "mine"] in lines
    assert ["Kafka", "running", terminal.servers] in [line[:3] for line in lines]
    assert ["clickstream", str(last + 1), "0", str(last + 1), "0", "0", "1"] in lines
    assert ["features-fraud", "0", "0", "0", "0", "0"] in lines
    assert ["features:fraud:*", "2"] in lines
    assert ["features:session:*", "1"] in lines
    assert ["features:personalization:*", "0"] in lines
    assert ["green:fraud:*", "1"] in [
        line.split() for line in terminal.study("status", FEATURES_PREFIX="green").splitlines()
    ]


def test_redis_serves_where_redis_cli_is_not(terminal):
    with redis.Redis(port=terminal.redis_port) as client:
        client.set("greeting", "hello")
    assert terminal.study("redis", "KEYS", "greet*") == "greeting\n"
    assert terminal.study("redis", "STRLEN", "greeting") == "5\n"
    assert "ERR unknown command" in terminal.study("redis", "NONSENSE", status=1)


def test_a_job_is_told_of_this_flink_whatever_other_the_user_has(terminal):
    said = terminal.study("env", "--flink", FLINK_HOME="/other", FLINK_CONF_DIR="/other/conf")
    named = dict(line.split("=", 1) for line in said.splitlines())
    home = Path(named["FLINK_HOME"])
    assert home.is_relative_to(terminal.workspace.home)
    for part in ("conf", "lib", "opt", "plugins"):
        assert named[f"FLINK_{part.upper()}_DIR"] == str(home / part)
        assert (home / part).is_dir()


def test_doctor_is_content(terminal):
    said = terminal.study("doctor")
    assert f"answers on {terminal.servers}" in said
    assert said.endswith("You can start.\n")


def test_a_clean_lab_can_start_too(terminal, tmp_path):
    ports = {"KAFKA_PORT": str(free_port()), "REDIS_PORT": str(free_port())}
    said = terminal.study("doctor", STUDY_HOME=str(tmp_path), **ports)
    assert said.count("not running: make up") == 2


def test_a_port_that_moved_is_refused_in_one_sentence(terminal):
    said = terminal.study("up", status=1, KAFKA_PORT=str(free_port()))
    assert f"Kafka already runs on port {terminal.kafka_port}: `study down` stops it" in said


def test_a_taken_port_names_who_has_it(terminal, tmp_path):
    java, server = terminal.pids()
    said = terminal.study("up", status=1, STUDY_HOME=str(tmp_path))
    assert f"port {terminal.kafka_port} is taken by java (pid {java}): stop it" in said
    assert (
        f"port {terminal.redis_port} is taken by {find_redis().name} (pid {server}): stop it"
        in said
    )
    assert terminal.pids() == [java, server]
    doctor = terminal.study("doctor", status=1, STUDY_HOME=str(tmp_path))
    assert f"port {terminal.kafka_port} is taken by java (pid {java}): stop it" in doctor


def test_a_usual_port_that_another_has_is_gone_around(tmp_path, monkeypatch, capsys):
    """Two people on one machine: the second one chose no port, so the next free one is taken."""
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(Kafka, "default_port", port)
        monkeypatch.setattr(Redis, "default_port", next_free(UNCLAIMED))
        found, chosen, theirs = (
            ports_of(tmp_path, environ)
            for environ in ({"HOME": "/"}, {"KAFKA_PORT": str(port)}, {"KAFKA_SERVERS": "k:1"})
        )
    moved = int(found.pop("KAFKA_PORT"))
    assert moved > port and not is_taken(moved)
    assert found == {"HOME": "/"}  # Redis has its usual port
    assert chosen == {"KAFKA_PORT": str(port)}  # is refused later, in a sentence
    assert theirs == {"KAFKA_SERVERS": "k:1"}
    said = capsys.readouterr().out
    assert said.startswith(f"Port {port} is taken by ")
    assert said.endswith(f"(pid {os.getpid()}): Kafka starts on {moved}\n")


def ports_of(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    with ExitStack() as claims:
        return around_others(Workspace(folder), Console(width=200), environ, claims, flink=False)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names without files")
def test_two_who_start_at_the_same_moment_get_two_ports(tmp_path, monkeypatch):
    """Neither listens yet: what the first one has chosen is claimed until it does."""
    for service, place in ((Kafka, 0), (Redis, 100)):
        monkeypatch.setattr(service, "default_port", next_free(UNCLAIMED + place))
    with ExitStack() as claims:
        first = around_others(Workspace(tmp_path), Console(), {}, claims, flink=False)
        second = ports_of(tmp_path, {})
    assert first == {}
    assert set(second) == {"KAFKA_PORT", "REDIS_PORT"}
    assert ports_of(tmp_path, {}) == {}  # the first one is done


@pytest.mark.parametrize("port", ["0", "65536", "abc", "-1", "9092.0"])
def test_a_bad_port_is_named(terminal, port):
    assert terminal.study("up", status=1, KAFKA_PORT=port) == (
        f"KAFKA_PORT={port} is no port: choose a number from 1 to 65535\n"
    )


def test_services_of_the_user_s_own_are_used_and_nothing_is_started(terminal, tmp_path):
    own = {
        "STUDY_HOME": str(tmp_path),
        "KAFKA_SERVERS": terminal.servers,
        "REDIS_HOST": "localhost",
        "REDIS_PORT": str(terminal.redis_port),
    }
    said = terminal.study("up", **own)
    assert f"used at {terminal.servers} (KAFKA_SERVERS)" in said
    assert f"used at localhost:{terminal.redis_port} (REDIS_HOST)" in said
    assert list((tmp_path / "run").glob("*.json")) == []
    assert "running, not ours" in terminal.study("status", **own)
    assert "was not running" in terminal.study("down", **own)
    assert all(psutil.pid_exists(pid) for pid in terminal.pids())


def test_services_of_somebody_else_at_the_usual_ports_are_named_and_not_shown(terminal, tmp_path):
    said = terminal.study("status", STUDY_HOME=str(tmp_path))
    assert said.count("not running: make up") == 2
    kafka, store = terminal.pids()
    assert f"At {terminal.servers} answers another Kafka, of java (pid {kafka})." in said
    assert f"At 127.0.0.1:{terminal.redis_port} answers another Redis, of " in said
    assert f"(pid {store})." in said
    assert "transactions" not in said and "features:" not in said
    told = re.findall(r"`(.*) study status` shows", said)
    named = dict(word.split("=") for words in told for word in words.split())
    said = terminal.study("status", STUDY_HOME=str(tmp_path), **named)
    assert said.count("running, not ours") == 2
    assert "transactions" in said and "features:fraud:" in said


def test_services_of_the_user_s_own_that_are_not_there_are_named(terminal, tmp_path):
    nowhere = str(free_port())
    own = {"KAFKA_SERVERS": f"127.0.0.1:{nowhere}", "REDIS_HOST": "127.0.0.1"}
    said = terminal.study("up", status=1, STUDY_HOME=str(tmp_path), REDIS_PORT=nowhere, **own)
    assert f"nothing answers at KAFKA_SERVERS=127.0.0.1:{nowhere}: start that broker" in said
    assert f"no Redis answers at REDIS_HOST=127.0.0.1, REDIS_PORT={nowhere}: start that" in said


def test_up_after_a_kill_of_both_has_everything_again(terminal):
    offset = send(terminal.servers, b"before the kill")
    with redis.Redis(port=terminal.redis_port) as client:
        client.set("before", "the kill")
    for pid in terminal.pids():
        os.kill(pid, signal.SIGKILL)
    terminal.study("up")
    assert fetch(terminal.servers, offset)[0].value == b"before the kill"
    with redis.Redis(port=terminal.redis_port) as client:
        assert client.get("before") == b"the kill"


def test_down_stops_these_and_leaves_others_alone(terminal):
    ours = terminal.pids()
    with home_for_services() as elsewhere:
        other = Redis(Workspace(elsewhere), free_port())
        other.start()
        assert terminal.study("down") == "Kafka stopped\nRedis stopped\n"
        assert other.answers()
    assert not any(_runs(pid) for pid in ours)
    assert terminal.study("down") == "Kafka was not running\nRedis was not running\n"


def test_up_that_was_killed_in_the_middle_is_gone_on_from(terminal):
    """Runs after the lab is down: the broker's record appears, and then `up` dies."""
    terminal.study("down")
    with subprocess.Popen(
        [STUDY, "up"], env=terminal.environ, stdout=subprocess.DEVNULL
    ) as starting:
        record = terminal.workspace.run / "kafka.json"
        while not record.exists() and starting.poll() is None:
            time.sleep(0.01)
        starting.kill()
    broker = Kafka.record(terminal.workspace)
    assert broker is not None
    terminal.study("up")
    assert Kafka.record(terminal.workspace) == broker


def test_clean_data_leaves_no_topic_and_no_key_and_everything_else(terminal):
    notes = terminal.workspace.data / "notes.txt"
    notes.write_text("not a service's")
    terminal.study("clean-data", status=1)  # it asks, and here is nobody to answer
    assert terminal.workspace.data.joinpath("kafka").exists()
    terminal.study("clean-data", "--yes")
    assert list(terminal.workspace.data.iterdir()) == [notes]


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
