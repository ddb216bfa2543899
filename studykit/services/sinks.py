"""A broker, a store and three readers: what lesson 10 and lab 10 run live."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic
from redis import Redis as Client

from studykit.errors import StudyError
from studykit.services.network.ports import HOST
from studykit.services.rig import Rig, own_folder

TOPIC: Final = "totals"
"""The topic that is written to: one partition, so that all readers agree on the order."""
_PATIENCE_S: Final = 60.0


class SinkRig(Rig):
    """A Kafka, a Redis and three readers, in a workspace that is removed at the end."""

    def __init__(self, name: str = "lesson10", home: Path | None = None) -> None:
        """Work in a folder that is removed at the end; nothing starts before `start`.

        Args:
            name: How the name of the folder in the clone's workspace begins.
            home: The folder, instead of that one.
        """
        super().__init__(home or own_folder(name))
        self.topic = TOPIC
        self._producers: dict[str, Producer] = {}

    def start(self) -> str:
        """Start an empty Kafka with the topic, and an empty Redis.

        Raises:
            StudyError: Kafka or Redis does not start.
        """
        answer = super().start()
        with closing(KafkaAdminClient(bootstrap_servers=self.kafka.address)) as admin:
            admin.create_topics([NewTopic(self.topic, 1, 1)])
        return answer

    def producer(self, name: str) -> Producer:
        """Return a producer whose transactions have this id.

        A transaction that an earlier producer of the same id has left open is aborted, and that
        earlier producer can commit nothing more: Kafka fences it.

        Raises:
            StudyError: Kafka does not run.
        """
        self.require_services()
        producer = Producer(
            {
                "bootstrap.servers": self.kafka.address,
                "transactional.id": name,
                "log_level": 0,  # else it complains in the lesson when the broker stops
            }
        )
        producer.init_transactions(_PATIENCE_S)
        return producer

    def client(self) -> Client:
        """Return a client of the store, whose answers are text.

        Raises:
            StudyError: The services do not run.
        """
        self.require_services()
        return Client(HOST, self.redis.port, decode_responses=True)

    def read(self, isolation_level: str) -> list[str]:
        """Return what a new reader of the topic gets, from its beginning to its end.

        Args:
            isolation_level: `read_uncommitted` or `read_committed`. For the second the end is where
                the first open transaction begins.

        Raises:
            StudyError: Kafka does not run, or has not sent the topic to its end within a minute.
        """
        self.require_services()
        place = TopicPartition(self.topic, 0)
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.address, isolation_level=isolation_level
        )
        found: list[str] = []
        with closing(consumer):
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            deadline = time.monotonic() + _PATIENCE_S
            # By position: the markers of transactions have offsets, too, and are never polled.
            while consumer.position(place) < end:
                if time.monotonic() > deadline:
                    raise StudyError(
                        f"the broker has not sent {self.topic} to its end in {_PATIENCE_S:.0f} s: "
                        "run the cell again"
                    )
                found += [record.value.decode() for record in consumer.poll(200).get(place, ())]
        return found

    def play(self, steps: Iterable[list[Any]]) -> dict[str, Any]:
        """Do what a script says, and return what the three readers have at its end.

        Args:
            steps: `["write", transaction, key, value]`, which writes to the store, too;
                `["commit", transaction]`; `["abort", transaction]`. Each transaction is written by
                a producer of its own.
        """
        keys = set()
        with closing(self.client()) as store:
            for what, name, *row in steps:
                producer = self._opened(name)
                if what == "write":
                    key, value = row
                    keys.add(key)
                    store.set(key, value)
                    producer.produce(self.topic, f"{value}", key)
                    producer.flush(_PATIENCE_S)
                    continue
                if what == "commit":
                    producer.commit_transaction(_PATIENCE_S)
                else:
                    producer.abort_transaction(_PATIENCE_S)
                del self._producers[name]
            held = {key: int(str(store.get(key))) for key in sorted(keys)}
        return {
            "uncommitted": [int(value) for value in self.read("read_uncommitted")],
            "committed": [int(value) for value in self.read("read_committed")],
            "store": held,
        }

    def stop_program(self) -> bool:
        """Forget the producers: their transactions end with the broker."""
        self._producers.clear()
        return False

    def _opened(self, name: str) -> Producer:
        """Return the producer of a transaction that is open; it begins with its first step."""
        if name not in self._producers:
            self._producers[name] = self.producer(name)
            self._producers[name].begin_transaction()
        return self._producers[name]
