"""A Flink cluster without Docker: a JobManager and a TaskManager on the loopback interface.

Both are started by `java` itself, from the home that `home.py` builds; Flink's own scripts want
programs that a bare system lacks. They share one file of settings. Each can be killed and started
again on its own: the JobManager keeps the port at which a TaskManager looks for it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flink_jobs.job.metrics import REPORTS_TO, reporter
from flink_jobs.runtime.java import LOGGING, QUICK, find_java
from studykit.services.flink.home import flink_home, java_options
from studykit.services.network.http import get
from studykit.services.network.ports import HOST, free_port
from studykit.services.supervision.process import BackgroundProcess
from studykit.services.supervision.service import Say, Service, silent
from studykit.services.supervision.waiting import wait_until
from studykit.workspace import Workspace

SLOTS: Final = 2
"""Slots of the TaskManager: a job can run at parallelism 2."""

_REJOIN_S: Final = 20.0
_POLL_S: Final = 0.1

_HEAP_MB: Final = 512
_DIRECT_MB: Final = 192
_METASPACE_MB: Final = 192
_MEMORY_MB: Final = {
    "framework.heap.size": 128,
    "task.heap.size": _HEAP_MB - 128,
    "framework.off-heap.size": _DIRECT_MB - 64,
    "task.off-heap.size": 0,
    "network.min": 64,
    "network.max": 64,
    "managed.size": 256,  # RocksDB's, and the Python workers'
    "jvm-metaspace.size": _METASPACE_MB,
    "jvm-overhead.min": 128,
    "jvm-overhead.max": 128,
}
"""The TaskManager's memory, part by part, in mebibytes: 1.25 GB in all."""

_SETTINGS: Final[Mapping[str, str | int]] = {
    "jobmanager.rpc.address": HOST,
    "jobmanager.bind-host": HOST,
    "rest.address": HOST,
    "rest.bind-address": HOST,
    "taskmanager.host": HOST,
    "taskmanager.bind-host": HOST,
    "taskmanager.numberOfTaskSlots": SLOTS,
    "taskmanager.cpu.cores": SLOTS,
    "blob.server.port": "0",
    # Jobs come from this machine's entry point; nobody needs to upload a jar in a browser.
    "web.submit.enable": "false",
    # On one machine a process that does not answer is gone: work may soon go on elsewhere.
    "heartbeat.interval": "1 s",
    "heartbeat.timeout": "10 s",
    "cluster.registration.error-delay": "1 s",
    **{f"taskmanager.memory.{name}": f"{size} mb" for name, size in _MEMORY_MB.items()},
}


class _Process(Service):
    """What JobManager and TaskManager have in common: Java, one home and one file of settings."""

    main_class: str
    options: tuple[str, ...] = ()

    @property
    def settings_file(self) -> Path:
        """The settings of the whole cluster. Flink reads YAML, and JSON is YAML."""
        return self.workspace.run / "flink" / "config.yaml"

    def java(self, settings: Mapping[str, str | int]) -> list[str]:
        """Return the command of this process; `settings` are its own, beside the file's."""
        home = flink_home(self.workspace)
        jars = sorted([*home.glob("lib/*.jar"), *home.glob("opt/flink-python-*.jar")])
        flags = [f"-D{name}={value}" for name, value in settings.items()]
        return [
            str(find_java().command),
            "-XX:+IgnoreUnrecognizedVMOptions",
            "-XX:+ExitOnOutOfMemoryError",  # a Java that lives on without memory answers nobody
            *self.options,
            *java_options(home),
            f"-Dlog.file={self.log}",
            f"-Dlog4j.configurationFile={LOGGING.as_uri()}",
            "-cp",
            os.pathsep.join(map(str, jars)),
            self.main_class,
            "--configDir",
            str(self.settings_file.parent),
            *flags,
        ]


class JobManager(_Process):
    """The coordinator, with the web interface and the REST interface on its port."""

    name = "flink"
    title = "Flink"
    default_port = 8081
    main_class = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
    options = ("-Xmx384m", *QUICK)

    def __init__(self, workspace: Workspace, port: int, metrics_port: int = 0) -> None:
        """Have the cluster push its metrics to `metrics_port`; 0 pushes none."""
        super().__init__(workspace, port)
        self._metrics_port = metrics_port

    def command(self, say: Say) -> list[str]:
        """Write the settings of the whole cluster, and return the command of the JobManager."""
        self.settings_file.parent.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(json.dumps(self._settings(), indent=2))
        say("starting the JobManager")
        return self.java({})

    @classmethod
    def metrics_port(cls, workspace: Workspace) -> int | None:
        """Return where the cluster that runs in `workspace` pushes its metrics."""
        if cls.record(workspace) is None:
            return None
        settings = json.loads(cls(workspace, 0).settings_file.read_text())
        return int(settings.get(REPORTS_TO, "0").rpartition(":")[2])

    def answers(self) -> bool:
        """Ask the REST interface for its overview."""
        return rest(self.port, "/overview") is not None

    def _settings(self) -> dict[str, str | int]:
        return {
            **_SETTINGS,
            **reporter(self._metrics_port),
            "rest.port": self.port,
            "rest.bind-port": str(self.port),
            "jobmanager.rpc.port": self._rpc_port(),
            "io.tmp.dirs": str(self.workspace.home / "flink" / "tmp"),
        }

    def _rpc_port(self) -> int:
        """Return the port at which a TaskManager that outlived a JobManager looks for the next."""
        if TaskManager.record(self.workspace) is None:
            return free_port()
        return int(json.loads(self.settings_file.read_text())["jobmanager.rpc.port"])


class TaskManager(_Process):
    """The worker. Its port is the JobManager's: through it one learns whether it has registered."""

    name = "flink-taskmanager"
    title = "TaskManager"
    default_port = JobManager.default_port
    main_class = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
    options = (
        f"-Xmx{_HEAP_MB}m",
        f"-XX:MaxDirectMemorySize={_DIRECT_MB}m",
        f"-XX:MaxMetaspaceSize={_METASPACE_MB}m",
    )

    def command(self, say: Say) -> list[str]:
        """Return the command of a TaskManager with a new name.

        The JobManager knows the name of a killed TaskManager for a while after its death.
        """
        say("starting the TaskManager")
        identity = f"taskmanager-{time.time_ns()}"
        self._identity_file.write_text(identity)
        return self.java({"taskmanager.resource-id": identity})

    def answers(self) -> bool:
        """Look for this TaskManager among those that have registered and offer slots.

        One that has registered and offers no slot yet cannot run a job.
        """
        identity = self._identity_file.read_text()
        found = rest(self.port, "/taskmanagers") or {"taskmanagers": []}
        return any(
            worker["id"] == identity and worker["slotsNumber"] for worker in found["taskmanagers"]
        )

    def rejoins(self) -> bool:
        """Return whether a TaskManager that outlived its JobManager finds the next one in time.

        A TaskManager that was just registering when the JobManager died asks the dead one for ever.
        """
        wait_until(lambda: self.answers() or self.running() is None, _REJOIN_S, _POLL_S)
        return self.running() is not None and self.answers()

    @property
    def _identity_file(self) -> Path:
        return self.settings_file.with_name("taskmanager")

    def _refuse_taken_port(self) -> None:
        """Do nothing: the port is the JobManager's, which runs."""


class FlinkCluster:
    """A JobManager and a TaskManager, started and stopped together."""

    title = JobManager.title

    def __init__(self, workspace: Workspace, port: int, metrics_port: int = 0) -> None:
        """Use `port` for the web interface.

        Args:
            workspace: Where the cluster keeps its files.
            port: The web interface and the REST interface.
            metrics_port: Where both push their metrics, for the entry point of a job to show; 0
                pushes none.
        """
        self.jobmanager = JobManager(workspace, port, metrics_port)
        self.taskmanager = TaskManager(workspace, port)

    @property
    def address(self) -> str:
        """Host and port of the web interface and the REST interface."""
        return self.jobmanager.address

    def running(self) -> BackgroundProcess | None:
        """Return the JobManager's process if both run, else None."""
        return self.taskmanager.running() and self.jobmanager.running()

    def start(self, say: Say = silent) -> None:
        """Start what does not run, and wait until jobs can be run.

        Raises:
            StudyError: A port is taken, or a part does not answer.
        """
        self.jobmanager.start(say)
        if self.taskmanager.running() and not self.taskmanager.rejoins():
            self.taskmanager.stop()
        self.taskmanager.start(say)

    def stop(self) -> bool:
        """Stop both; return whether either was running."""
        # A list: both are stopped, whatever the first answers.
        return any([self.taskmanager.stop(), self.jobmanager.stop()])

    def kill(self) -> None:
        """End both as a crash of the machine would: kill -9."""
        self.jobmanager.kill()
        self.taskmanager.kill()


def rest(port: int, path: str) -> Any:  # noqa: ANN401
    """Return what the JobManager at `port` says at `path`, decoded; None where none answers."""
    try:
        reply = get(port, path)
        return reply.json() if reply.is_success else None
    except (OSError, ValueError):
        return None
