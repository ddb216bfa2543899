"""A broker and a store of a lesson's own, and a program that works with them.

A rig is what a lesson builds up to try something and takes down again: a lab is what a learner
solves. A learner's topics and keys are neither read nor written, and nothing is left at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from studykit.errors import StudyError
from studykit.services.kafka import Kafka
from studykit.services.network.ports import HOST, free_port
from studykit.services.redis import Redis
from studykit.services.supervision import process
from studykit.services.supervision.leash import hold_leash, leashed_folder
from studykit.services.supervision.wait_line import wait_line
from studykit.services.supervision.waiting import wait_until
from studykit.services.topics import PARTITIONS
from studykit.workspace import Workspace

CHECKPOINT_MS: Final = 500
"""The interval of a program that is to get on quickly."""
PATIENCE_S: Final = 120.0
"""How long a program may take to its end, seconds of wall time."""

_STARTED: Final[dict[type[Rig], Rig]] = {}
"""The newest rig of each kind: a cell that is run again makes a new one and forgets the older."""


def own_folder(name: str) -> Path:
    """Return a new folder in the clone's workspace, which is removed when this process ends.

    Each rig has its own: the same lesson may run in two notebooks at once.
    """
    return leashed_folder(f"{name}-", Workspace.of_clone().run)


class Rig:
    """A Kafka, a Redis and at most one program, in a workspace that is removed at the end.

    All of them end with the process that started them, also where nobody calls `stop`.
    """

    def __init__(self, home: Path) -> None:
        """Work in the folder `home`, which is removed at the end; nothing starts before `start`."""
        self.workspace = Workspace(home)
        self.kafka = Kafka(self.workspace, free_port())
        self.redis = Redis(self.workspace, free_port())
        self._record = self.workspace.run / "program.json"
        self._log = self.workspace.logs / "program.log"

    def start(self) -> str:
        """Start an empty Kafka and an empty Redis; what an earlier run of the cell left is stopped.

        Raises:
            StudyError: Kafka or Redis does not start.
        """
        with wait_line("Kafka and Redis start, in about ten seconds"):
            _STARTED.get(type(self), self).stop()
            _STARTED[type(self)] = self
            self.stop()
            hold_leash()
            self.kafka.start()
            self.redis.start()
        return "Kafka and Redis answer"

    def stop(self) -> str:
        """End the program, Redis and Kafka, and remove all that they have kept."""
        # The program first: without a broker it would wait for one, and end late.
        stopped = [self.stop_program(), self.redis.stop(), self.kafka.stop()]
        shutil.rmtree(self.workspace.home, ignore_errors=True)
        return "stopped and removed" if any(stopped) else "nothing was running"

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Print a sentence for what goes wrong while the context is open; at its end stop all."""
        try:
            yield
        except StudyError as error:
            print(error)
        finally:
            print(self.stop())

    def require_services(self) -> None:
        """Say which cell to run where Kafka does not run.

        Raises:
            StudyError: Kafka was never started, or has ended.
        """
        if self.kafka.running() is None:
            raise StudyError("Kafka does not run: run the cell with `.start()` first")

    def stop_program(self) -> bool:
        """Kill the program; return whether it was running."""
        running = self._running()
        if running is not None:
            process.kill(running)
        return running is not None

    def _launch(
        self,
        command: Sequence[str],
        folder: Path,
        checkpoint_ms: int,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Start the program, which finds the services in its environment.

        The one that an interrupted cell has left running is stopped first.

        Args:
            command: The program, by its path, and its arguments.
            folder: The folder that it runs in.
            checkpoint_ms: Its `CHECKPOINT_INTERVAL_MS`.
            environ: All other variables; None for those of this process.

        Raises:
            StudyError: The command cannot be executed.
        """
        hold_leash()
        self.stop_program()
        variables = {
            **(environ or {}),
            "KAFKA_SERVERS": self.kafka.address,
            "REDIS_HOST": HOST,
            "REDIS_PORT": str(self.redis.port),
            "METRICS_PORT": str(free_port()),
            "CHECKPOINT_INTERVAL_MS": str(checkpoint_ms),
        }
        alone = [] if environ is None else ["-i"]
        given = [f"{name}={value}" for name, value in variables.items()]
        self._record.unlink(missing_ok=True)  # of a program that has ended
        env = shutil.which("env") or "env"
        process.launch(self._record, self._log, 0, [env, *alone, *given, *command], folder)

    def _run_to_end(self, command: Sequence[str]) -> None:
        """Run a program until it has processed everything and ends by itself.

        Raises:
            StudyError: The command cannot be executed, or takes longer than `PATIENCE_S`.
        """
        self._launch(command, Path.cwd(), CHECKPOINT_MS)
        if not wait_until(lambda: self._running() is None, PATIENCE_S):
            raise StudyError(f"after {PATIENCE_S:g} s the program has not ended: see {self._log}")

    def _send(
        self, topic: str, pairs: Iterable[tuple[bytes, bytes | None]], partition: int | None = None
    ) -> None:
        """Send keys and values to a topic; without a partition the key chooses it."""
        with closing(KafkaProducer(bootstrap_servers=self.kafka.address, acks="all")) as producer:
            for key, value in pairs:
                producer.send(topic, value, key, partition=partition)
            producer.flush()

    def _read(self, topic: str) -> dict[TopicPartition, list[Any]]:
        """Return all records of a topic, by partition."""
        found: dict[TopicPartition, list[Any]] = {}
        with closing(KafkaConsumer(bootstrap_servers=self.kafka.address)) as consumer:
            places = partitions_of(topic)
            consumer.assign(places)
            consumer.seek_to_beginning()
            ends = consumer.end_offsets(places)
            while any(consumer.position(place) < end for place, end in ends.items()):
                for place, records in consumer.poll(200).items():
                    found.setdefault(place, []).extend(records)
        return found

    def _running(self) -> process.BackgroundProcess | None:
        """Return the program's process; None where it has ended or never began."""
        return process.read_record(self._record)

    def _last_words(self, characters: int = 500) -> str:
        """Return the end of the program's log; empty where it has said nothing."""
        if not self._log.exists():
            return ""
        return self._log.read_text(errors="replace").strip()[-characters:]


def partitions_of(topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic of the project's."""
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]
