"""A broker for a moment: a Kafka that starts on a free port, and of which nothing remains."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, TopicPartition

from studykit.services.kafka import Kafka
from studykit.services.network.ports import free_port
from studykit.services.supervision.leash import leashed_folder
from studykit.workspace import Workspace


@contextmanager
def own_broker() -> Iterator[str]:
    """Start a broker beside whatever runs, give its address, and stop it whatever happens.

    Where the process is killed, its leash stops the broker and removes the folder.

    Raises:
        StudyError: The broker does not start.
    """
    folder = leashed_folder("own-broker-")
    service = Kafka(Workspace(folder), free_port())
    try:
        service.start()
        yield service.address
    finally:
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)


def reader_of(servers: str, places: Iterable[tuple[str, int]]) -> Consumer:
    """Return a reader of partitions from their beginnings, which commits nothing.

    Args:
        servers: The broker.
        places: Topics and numbers of their partitions.
    """
    reader = Consumer(
        {
            "bootstrap.servers": servers, "group.id": "live", "log_level": 0,
            "enable.auto.commit": False, "auto.offset.reset": "earliest",
        }
    )  # fmt: skip
    reader.assign([TopicPartition(topic, number, 0) for topic, number in places])
    return reader
