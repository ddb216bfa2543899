"""A single Kafka broker, which is its own controller (KRaft), on the loopback interface."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from flink_jobs.runtime.java import QUICK, find_java
from studykit.errors import StudyError
from studykit.services.flink.jars import JarCache, read_lock
from studykit.services.network.ports import HOST, accepts, free_port
from studykit.services.supervision.service import Say, Service

_CLUSTER_ID: Final = "ZXZlbnQtdGltZS1sYWItMQ"  # 16 bytes in base64: event-time-lab-1

_SETTINGS: Final[dict[str, str | int]] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": "data/kafka",
    # A misspelt topic is an error, not a new topic.
    "auto.create.topics.enable": "false",
    "num.partitions": 4,
    # Event time is in the payload; the record's own time says when the broker appended it.
    "log.message.timestamp.type": "LogAppendTime",
    # The log is the state: neither it nor a committed offset may vanish during a holiday.
    "log.retention.ms": -1,
    "offsets.retention.minutes": 525_600,
    # One node has one replica of everything. Without these, transactions wait for others forever.
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "transaction.max.timeout.ms": 900_000,
    # A record of 10 MB, and what is around it.
    "message.max.bytes": 11 * 1024 * 1024,
    "replica.fetch.max.bytes": 11 * 1024 * 1024,
    # A consumer that joins works at once; a dead one may be noticed after a second.
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1_000,
    # After a kill -9 the controller waits this long before it believes in the new broker.
    "broker.session.timeout.ms": 2_000,
    "broker.heartbeat.interval.ms": 400,
    # One learner's load: fewer threads, and not the default 128 MB for the log cleaner.
    "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
}

_JVM_OPTIONS: Final = ("-Xmx512m", "-XX:+ExitOnOutOfMemoryError")


class Kafka(Service):
    """The broker. It counts as answering when it has taken a record and given it back."""

    name = "kafka"
    title = "Kafka"
    default_port = 9092

    def command(self, say: Say) -> list[str]:
        """Fetch the jars, write the settings, format the data folder if it is new.

        The settings are written at every start, since the controller gets a free port each time.
        """
        java = find_java()
        jars = JarCache.of_user().ensure(read_lock()["kafka"].jars)
        classpath = os.pathsep.join(map(str, jars))
        settings = self._write_settings()
        # QUICK, measured: 2.7 s of processor time until the broker answers instead of 4.6, and half
        # as much for the first 300,000 records. An archive of loaded classes (AppCDS) would save
        # one second more for 60 MB of disk and 5 s at the first start: not worth keeping current.
        base = [str(java.command), *QUICK, "-Dlog4j2.level=WARN", "-cp", classpath]
        if not (self.data / "meta.properties").exists():  # the format's last act is to write it
            say("formatting its data folder")
            self._format([*base, "kafka.tools.StorageTool", "format", "-c", str(settings)])
        say("starting")
        return [base[0], *_JVM_OPTIONS, *base[1:], "kafka.Kafka", str(settings)]

    def answers(self) -> bool:
        """Produce a record and fetch it; missing topics are created on the way.

        An open port is no proof: a broker accepts connections before it serves any partition.
        """
        if not accepts(HOST, self.port):
            return False
        from studykit.services import topics  # noqa: PLC0415 - slow to load: the JVM starts meanwhile

        return topics.work(self.address)

    def _write_settings(self) -> Path:
        controller = f"{HOST}:{free_port()}"
        own = {
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.quorum.voters": f"1@{controller}",
        }
        path = self.workspace.run / "kafka.properties"
        lines = [f"{name}={value}\n" for name, value in {**_SETTINGS, **own}.items()]
        path.write_text("".join(lines))
        return path

    def _format(self, command: list[str]) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # what an interrupted format left behind
        result = subprocess.run(
            [*command, "-t", _CLUSTER_ID],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.workspace.home,
            start_new_session=True,  # a kernel that is interrupted interrupts its whole group
        )
        if result.returncode != 0:
            reason = (result.stderr or result.stdout).strip().splitlines() or ["no reason given"]
            raise StudyError(f"Kafka cannot format {self.data}: {reason[-1]}")
