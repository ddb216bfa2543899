"""A small worker on a real broker that does what a learner's function says, until it is killed.

    python -m studykit.services.kills.worker SERVERS FILE NAME [--until-caught-up]

It adds up the numbers of one partition. For each it has a row: how many numbers so far, and their
sum. Its topics and its group begin with NAME. The function in FILE,
`next_action(read, written, committed, every)`, decides what is done next:

* `["read", n]`: read and count number n, counted from 0
* `["write", n]`: send the rows of the first n numbers that are not sent yet
* `["commit", n]`: make a checkpoint that says to go on at number n, with the sum of the first n

Sending and committing take a moment each, as on a network, so that a kill can come in between.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

EVERY: Final = 5
"""The numbers from one checkpoint to the next, as `next_action` is told."""
MOMENT_S: Final = 0.01
"""Seconds of wall time that sending and committing take more than they would."""


def numbers_of(name: str) -> str:
    """Return the topic that the worker reads."""
    return f"{name}-numbers"


def totals_of(name: str) -> str:
    """Return the topic that the worker writes."""
    return f"{name}-totals"


class AddingWorker:
    """The sums of a partition's numbers, from its last checkpoint on."""

    def __init__(self, consumer: KafkaConsumer, producer: KafkaProducer, name: str) -> None:
        """Go on where the checkpoint says."""
        self._consumer, self._producer = consumer, producer
        self._place, self._totals = TopicPartition(numbers_of(name), 0), totals_of(name)
        consumer.assign([self._place])
        saved = consumer.committed(self._place, metadata=True)
        offset = saved.offset if saved else 0
        self.committed = self.written = offset
        self.totals = {offset: int(saved.metadata) if saved else 0}
        self.read = offset
        self.end = consumer.end_offsets([self._place])[self._place]
        consumer.seek(self._place, offset)
        self._fetched: list[Any] = []

    def do(self, action: str, number: int) -> None:
        """Do what was decided; a number that makes no sense ends the worker with a sentence."""
        if action == "read" and number == self.read:
            self._read()
        elif action == "write" and self.written < number <= self.read:
            time.sleep(MOMENT_S)
            for count in range(self.written + 1, number + 1):
                row = f"{count} {self.totals[count]}".encode()
                self._producer.send(self._totals, row, partition=0)
            self._producer.flush()
            self.written = number
        elif action == "commit" and number in self.totals:
            time.sleep(MOMENT_S)
            # Place and sum in one commit: after a kill there is both, or neither.
            saved = OffsetAndMetadata(number, str(self.totals[number]), -1)
            self._consumer.commit({self._place: saved})
            self.committed = number
        else:
            sys.exit(
                f"next_action({self.read}, {self.written}, {self.committed}, {EVERY}) says "
                f"{[action, number]}, which cannot be done: run its check"
            )

    def _read(self) -> None:
        while not self._fetched:
            self._fetched = self._consumer.poll(200).get(self._place, [])
        value = int(self._fetched.pop(0).value)
        self.totals[self.read + 1] = self.totals[self.read] + value
        self.read += 1


def main(servers: str, file: str, name: str, *flags: str) -> None:
    """Run until all is read, and, unless told to end then, wait there to be killed."""
    names: dict[str, Any] = {}
    exec(compile(Path(file).read_text(), file, "exec"), names)
    decide = names["next_action"]
    with (
        closing(
            KafkaConsumer(bootstrap_servers=servers, group_id=name, enable_auto_commit=False)
        ) as consumer,
        closing(KafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=0)) as producer,
    ):
        worker = AddingWorker(consumer, producer, name)
        while worker.read < worker.end or worker.committed < worker.end:
            # At the end a checkpoint is due for what is left, however little.
            every = EVERY if worker.read < worker.end else 1
            worker.do(*decide(worker.read, worker.written, worker.committed, every))
        while not flags:
            time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
