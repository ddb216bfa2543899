"""`study status`: which services run, where, since when, and how far the features are behind."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kafka import KafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from flink_jobs.config import Settings
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.redis import open_answering
from flink_jobs.features.catalog import CATALOG
from flink_jobs.processor.group.commits import delivered_until
from studykit.cli.job_status import TROUBLE, Line, job_lines
from studykit.services.addresses import Addresses
from studykit.services.flink.cluster import JobManager, TaskManager
from studykit.services.kafka import Kafka
from studykit.services.network.ports import HOST, accepts, owner
from studykit.services.redis import Redis
from studykit.services.supervision.service import Service
from studykit.services.topics import TOPICS, client_options, reachable, topics_of
from studykit.workspace import Workspace

_TIMEOUT_MS = 5_000
_LAG = "lag of group"
_NUMBERS = ("records", "number")
"""Columns of numbers, which are aligned to the right, as the lag's column is."""


@dataclass(frozen=True, slots=True)
class TopicLag:
    """One topic: its records, and how many of them the group has yet to deliver (`lag`).

    A lag of None means that the group has committed nothing: it may never have started.
    """

    topic: str
    partitions: tuple[int, ...]
    """The records of each partition. One with 0 holds the windows of Flink's job back until it is
    called idle."""
    lag: int | None

    @property
    def records(self) -> int:
        """The records of all partitions."""
        return sum(self.partitions)


def show_status(
    workspace: Workspace, console: Console, environ: Mapping[str, str] = os.environ
) -> None:
    """Print which services run, then topics, keys and the feature job, as far as those answer.

    Topics and keys are those of services that run in `workspace`, or that `environ` names.
    """
    addresses = Addresses.find(workspace, environ)
    console.print(_services(workspace, addresses))
    if _is_another(workspace, Kafka, own=addresses.own_kafka):
        if reachable(addresses.kafka_servers):
            name = f"KAFKA_SERVERS={addresses.kafka_servers}"
            console.print(_another(Kafka, addresses.kafka_port, "topics", name), highlight=False)
    elif reachable(addresses.kafka_servers):
        console.print()
        group = Settings.load(environ).kafka_group
        states = topic_states(addresses.kafka_servers, group, topics_of(environ))
        console.print(_topics(states, group))
    if _is_another(workspace, Redis, own=addresses.own_redis):
        if accepts(HOST, addresses.redis_port):
            name = f"REDIS_HOST={HOST} REDIS_PORT={addresses.redis_port}"
            console.print(_another(Redis, addresses.redis_port, "keys", name), highlight=False)
    elif accepts(addresses.redis_host, addresses.redis_port):
        console.print()
        settings = Settings.load({**environ, **addresses.environment()})
        console.print(_keys(key_counts(settings), Names(settings.features_prefix)))
    if lines := job_lines(addresses.metrics_port):
        console.print()
        console.print(_job(lines))


def topic_states(servers: str, group: str, topics: Sequence[str] = TOPICS) -> list[TopicLag]:
    """Return the state of those of `topics` that exist, in their order.

    The lag is that of the consumer group `group`. It counts to the offset up to which outputs were
    delivered, which the commit's metadata has: the committed offset itself lies further back, where
    open windows begin.

    Raises:
        KafkaError: The broker does not answer.
    """
    consumer = KafkaConsumer(
        # Never a commit: a look at the group's lag must not move the group.
        bootstrap_servers=servers, group_id=group, enable_auto_commit=False,
        **client_options(servers),
    )  # fmt: skip
    try:
        existing = consumer.topics()
        return [_topic_state(consumer, topic) for topic in topics if topic in existing]
    finally:
        consumer.close()


def key_counts(settings: Settings) -> dict[str, int]:
    """Return the number of keys of every feature set in Redis, 0 included.

    Raises:
        StoreUnusable: Redis demands another login.
        ServiceAway: It does not answer.
    """
    with open_answering(settings) as client:
        keys = client.scan_iter(Names(settings.features_prefix).key("*", "*"), count=5_000)
        sets = Counter(key.split(b":")[1].decode() for key in keys)
    return {feature_set.name: sets[feature_set.name] for feature_set in CATALOG}


def _topic_state(consumer: KafkaConsumer, topic: str) -> TopicLag:
    numbers = sorted(consumer.partitions_for_topic(topic))
    parts = [TopicPartition(topic, number) for number in numbers]
    begin, end = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
    commits = {part: consumer.committed(part, metadata=True) for part in parts}
    done = {part: delivered_until(commit) for part, commit in commits.items() if commit}
    lag = sum(end[part] - done.get(part, begin[part]) for part in parts) if done else None
    return TopicLag(topic, tuple(end[part] - begin[part] for part in parts), lag)


def _services(workspace: Workspace, addresses: Addresses) -> Table:
    table = _table("service", "state", "address", "since", "pid", "memory")
    store = f"{addresses.redis_host}:{addresses.redis_port}"
    if addresses.own_kafka:
        table.add_row(*_own(workspace, Kafka))
    else:
        answers = reachable(addresses.kafka_servers)
        table.add_row("Kafka", _external(answers), addresses.kafka_servers)
    if addresses.own_redis:
        table.add_row(*_own(workspace, Redis))
    else:
        answers = accepts(addresses.redis_host, addresses.redis_port)
        table.add_row("Redis", _external(answers), store)
    for part in (JobManager, TaskManager):
        if part.record(workspace):
            table.add_row(*_own(workspace, part))
    return table


def _own(workspace: Workspace, service: type[Service]) -> list[str]:
    running = service.record(workspace)
    process = running.process() if running else None
    if running is None or process is None:
        return [service.title, "not running: make up"]
    since = datetime.fromtimestamp(running.started).astimezone().strftime("%Y-%m-%d %H:%M")
    memory = f"{process.memory_info().rss / 1e6:.0f} MB"
    return [service.title, "running", f"{HOST}:{running.port}", since, str(running.pid), memory]


def _is_another(workspace: Workspace, service: type[Service], *, own: bool) -> bool:
    """Tell whether what answers is neither the lab's service nor one that the user named."""
    return own and service.record(workspace) is None


def _another(service: type[Service], port: int, what: str, names: str) -> str:
    """Return a sentence on a service at the usual port, which another user of the machine may have.

    Whoever has none running is not shown the other's: it would be taken for one's own.
    """
    return (
        f"\nAt {HOST}:{port} answers another {service.title}, of {owner(port)}. "
        f"`{names} study status` shows its {what}."
    )


def _external(answers: bool) -> str:
    return "running, not ours" if answers else "does not answer, not ours"


def _topics(states: list[TopicLag], group: str) -> Table:
    table = _table("topic", "records", "by partition", f"{_LAG} {group}")
    for state in states:
        table.add_row(
            state.topic,
            f"{state.records:,}",
            " ".join(f"{records:,}" for records in state.partitions),
            "" if state.lag is None else f"{state.lag:,}",
        )
    return table


def _keys(counts: dict[str, int], names: Names) -> Table:
    table = _table("keys in Redis", "number")
    for name, number in counts.items():
        table.add_row(names.key(name, "*"), f"{number:,}")
    return table


def _job(lines: list[Line]) -> Table:
    table = _table(*lines[0])
    for name, text in lines[1:]:
        table.add_row(name, text, style="red" if name.startswith(TROUBLE) else None)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for name in (first, *others):
        number = name in _NUMBERS or name.startswith(_LAG)
        table.add_column(name, justify="right" if number else "left")
    return table
