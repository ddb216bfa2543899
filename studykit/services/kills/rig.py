"""A broker, a store and programs that are ended the hard way: lesson 09 and lab 09 run it live.

Everything lives in a workspace of its own on free ports. A learner's topics and keys are neither
read nor written, and nothing is left at the end.
"""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import MemberToRemove
from kafka.errors import KafkaError
from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.events import TRANSACTIONS
from flink_jobs.features.catalog import FRAUD
from flink_jobs.features.row import encode_row
from flink_jobs.processor.partition import Partition
from studykit.errors import StudyError
from studykit.services.kills.worker import numbers_of, totals_of
from studykit.services.rig import CHECKPOINT_MS, PATIENCE_S, Rig, own_folder, partitions_of
from studykit.services.seed import Seeding
from studykit.services.supervision import process
from studykit.services.supervision.wait_line import wait_line
from studykit.services.supervision.waiting import wait_until
from studykit.services.topics import create_topics

ROWS: Final = FRAUD.target
_PAYMENTS: Final = 1_500
"""Payments that are sent before each kill, so that the program has work when it is killed."""
_TRAFFIC: Final = 60_000
"""Events of three hours, half of them payments: those of one kill cover some ten minutes."""
_RECORDS: Final = 400


class Difference(Struct, frozen=True):
    """What a sink holds, compared with what the log says.

    Attributes:
        kills: How often the program was killed.
        rows: How many different rows the log asks for.
        lost: Rows that the sink does not have.
        wrong: Rows of the sink that the log does not ask for.
        repeated: Rows that were written again; they are the same rows.
    """

    kills: int
    rows: int
    lost: int
    wrong: int
    repeated: int

    def __str__(self) -> str:
        return (
            f"killed {self.kills} times; of {self.rows} rows {self.lost} lost, {self.wrong} wrong"
        )


def compared(kills: int, asked: Iterable[bytes], found: Sequence[bytes]) -> Difference:
    """Compare the rows that a log asks for with those in a sink, where a row may come again.

    >>> str(compared(1, [b"a", b"b"], [b"a", b"a"]))
    'killed 1 times; of 2 rows 1 lost, 0 wrong'
    """
    right, counts = set(asked), Counter(found)
    return Difference(
        kills,
        len(right),
        len(right - counts.keys()),
        len(counts.keys() - right),
        counts.total() - len(counts),
    )


class KillRig(Rig):
    """A Kafka, a Redis and a program that is killed, in a workspace that is removed at the end."""

    def __init__(self, name: str = "lesson09", home: Path | None = None, seed: int = 9) -> None:
        """Work in a folder that is removed at the end; nothing starts before `start`.

        Args:
            name: How the name of the folder in the clone's workspace begins.
            home: The folder, instead of that one.
            seed: The same seed draws the same moments for the kills.
        """
        super().__init__(home or own_folder(name))
        self._draw = Random(seed)
        traffic = Seeding(events=_TRAFFIC, cards=50).arrivals(now_ms=0)
        self._payments = (a for a in traffic if a.topic == TRANSACTIONS)

    def show(self, next_action: Callable[..., Any]) -> None:
        """Start the services, kill a worker five times, print what its sink lacks, and stop all."""
        with self.shown():
            print("starting a Kafka and a Redis: about ten seconds")
            self.start()
            print("killing the worker five times: about half a minute")
            print(self.kill_worker(next_action))

    def kill_processor(self, times: int = 5) -> Difference:
        """Kill the development processor at `times` moments, let it finish, and compare its rows.

        Raises:
            StudyError: The services do not run, or the processor does not write.
        """
        self.require_services()
        create_topics(self.kafka.address)
        command = [sys.executable, "-m", "flink_jobs.stream_processor"]
        if self.stop_program():  # of a cell that was interrupted
            self._leave_group(Settings().kafka_group)
        with wait_line(f"the processor is killed {times} times, in about half a minute"):
            for _ in range(times):
                payments = islice(self._payments, _PAYMENTS)
                self._send(TRANSACTIONS, ((a.key, a.value) for a in payments))
                self._kill_after_output(command, ROWS, self._draw.randrange(1, 200))
                self._leave_group(Settings().kafka_group)
            self._run_to_end([*command, "--until-caught-up"])
        asked = [
            encode_row(row)
            for records in self._read(TRANSACTIONS).values()
            for row in Partition(TRANSACTIONS, Settings()).process(records).rows
        ]
        found = [record.value for records in self._read(ROWS).values() for record in records]
        return compared(times, asked, found)

    def kill_worker(self, next_action: Callable[..., Any], times: int = 5) -> Difference:
        """Kill a small worker that does what `next_action` says, and compare its rows.

        Args:
            next_action: What the learner wrote; its source is run in a process of its own.
            times: At how many moments it is killed.

        Raises:
            StudyError: The services do not run, or the worker does not write.
        """
        self.require_services()
        name = f"worker-{uuid4().hex}"
        create_topics(self.kafka.address, [numbers_of(name), totals_of(name)])
        source = self.workspace.run / "next_action.py"
        source.write_text(_source_of(next_action))
        module = "studykit.services.kills.worker"
        command = [sys.executable, "-m", module, self.kafka.address, str(source), name]
        values = [self._draw.randrange(1, 100) for _ in range(_RECORDS)]
        self._send(
            numbers_of(name), ((b"one", str(value).encode()) for value in values), partition=0
        )
        for _ in range(times):
            self._kill_after_output(command, totals_of(name), self._draw.randrange(1, 30))
        self._run_to_end([*command, "--until-caught-up"])
        totals = [sum(values[: count + 1]) for count in range(_RECORDS)]
        asked = [f"{number} {total}".encode() for number, total in enumerate(totals, start=1)]
        found = [
            record.value for records in self._read(totals_of(name)).values() for record in records
        ]
        return compared(times, asked, found)

    def _kill_after_output(self, command: Sequence[str], topic: str, more: int) -> None:
        """Start a program, and kill it as soon as it has written some more records."""
        with self._counting(topic) as written:
            before = written()
            self._launch(command, Path.cwd(), CHECKPOINT_MS)
            self._wait(lambda: written() >= before + more, "written anything")
        running = self._running()
        if running is None:
            raise StudyError(f"the program ended before it was killed{self._end_of_log()}")
        process.kill(running)

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        def over() -> bool:
            return done() or self._running() is None

        wait_until(over, PATIENCE_S, 0.01)
        if not done():
            raise StudyError(f"the program has not {what}{self._end_of_log()}")

    def _end_of_log(self) -> str:
        words = self._last_words()
        return f"; the end of its log: {words}" if words else ""

    def _leave_group(self, group: str) -> None:
        """Take a killed process out of its group, which else waits until its session expires."""

        def left() -> bool:
            try:
                with closing(KafkaAdminClient(bootstrap_servers=self.kafka.address)) as admin:
                    members = admin.describe_groups([group])[group]["members"]
                    gone = [MemberToRemove(member_id=member["member_id"]) for member in members]
                    if gone:
                        admin.remove_group_members(group, gone)
            except KafkaError:  # the coordinator is still busy with the killed member
                return False
            return True

        wait_until(left, PATIENCE_S)

    @contextmanager
    def _counting(self, topic: str) -> Iterator[Callable[[], int]]:
        """Yield a function that returns how many records a topic has."""
        with closing(KafkaConsumer(bootstrap_servers=self.kafka.address)) as consumer:
            places = partitions_of(topic)
            yield lambda: sum(consumer.end_offsets(places).values())


def _source_of(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        raise StudyError("nobody knows the source of your function: run its cell again") from None
