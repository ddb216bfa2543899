"""The job as a Kubernetes operator runs it: in application mode, with the deployment's own words.

There is no Kubernetes here, so a JobManager is started with the arguments and the configuration of
`deploy/kubernetes/features.yaml`, as the operator starts one, and is asked for an upgrade as the
operator asks: stop with a savepoint, start again from it.
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_jobs.runtime.java import QUICK, find_java
from studykit.services.flink.cluster import FlinkCluster, JobManager, rest
from studykit.services.flink.home import flink_environ
from studykit.services.network.ports import HOST, free_port
from studykit.services.supervision.service import Say
from studykit.workspace import Workspace
from tests.support.services.shared import TestServices, home_for_services
from tests.support.waiting import eventually
from tests.support.worlds.flow import Flow, Tail
from tests.support.worlds.output import consumer_of
from tests.support.worlds.processor import World

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENCE_S = 900


def deployment() -> Mapping[str, Any]:
    found = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "features.yaml").read_text())
    return next(part["spec"] for part in found if part["kind"] == "FlinkDeployment")


class ApplicationMaster(JobManager):
    """A JobManager that runs one job, which its own arguments name."""

    main_class = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
    options = ("-Xmx700m", *QUICK)
    more: Mapping[str, str] = {}
    environ: Mapping[str, str] = {}
    """What a container would have set."""

    def command(self, say: Say) -> list[str]:
        words = super().command(say)
        job = deployment()["job"]
        places = {"/opt/venv/bin/python": sys.executable, "/opt/lab": str(ROOT)}
        arguments = " ".join(job["args"])
        for theirs, ours in places.items():
            arguments = arguments.replace(theirs, ours)
        variables = [f"{name}={value}" for name, value in self.environ.items()]
        named = ["--job-classname", job["entryClass"], *arguments.split()]
        return [shutil.which("env"), *variables, *words, *named]

    def _settings(self) -> dict[str, str | int]:
        """Add the deployment's configuration, as far as it is not Kubernetes' own."""
        theirs = {
            name: value.replace("file:///state", (self.workspace.home / "state").as_uri())
            for name, value in deployment()["flinkConfiguration"].items()
            if name.startswith(("execution.", "state."))
        }
        return {**super()._settings(), **theirs, **self.more}


@pytest.fixture
def services() -> Iterator[TestServices]:
    with home_for_services() as home:
        services = TestServices(Workspace(home))
        services.kafka.start()
        services.redis.start()
        yield services


def test_an_upgrade_goes_on_from_the_savepoint_that_the_operator_names(services):
    folder = services.workspace.home
    world = World(services, folder, {"CHECKPOINT_INTERVAL_MS": "1000"})
    cluster = FlinkCluster(services.workspace, free_port())
    cluster.taskmanager.options += QUICK
    cluster.jobmanager = master = ApplicationMaster(services.workspace, cluster.jobmanager.port)
    master.environ = {
        **world.environment(),
        "METRICS_PORT": "0",
        "JAVA_HOME": str(find_java().home),
        **flink_environ(services.workspace),
    }

    with consumer_of(services) as consumer:
        tail, flow = Tail(world, consumer), Flow(world, seed=3)
        with flow.running():
            cluster.start()
            see_committed(tail, 0)
            savepoint = stop_with_savepoint(master.port)
            assert Path(savepoint).parent == folder / "state" / "savepoints"
            cluster.stop()

            master.more = {"execution.state-recovery.path": savepoint}
            sent_ms = flow.latest_ms
            cluster.start()
            see_committed(tail, sent_ms)
            restored = rest(master.port, f"/jobs/{job(master.port)['jid']}/checkpoints")
            assert restored["latest"]["restored"]["external_path"] == f"file:{savepoint}"
    cluster.stop()


def see_committed(tail: Tail, event_ms: int) -> None:
    def seen() -> bool:
        tail.poll()
        return tail.is_past(event_ms)

    eventually(seen, PATIENCE_S)


def job(port: int) -> dict[str, Any]:
    (listed,) = rest(port, "/jobs/overview")["jobs"]
    assert listed["name"] == "features"
    return listed


def stop_with_savepoint(port: int) -> str:
    """Stop as the operator does, by the REST interface, and return where the savepoint is."""
    path = f"/jobs/{job(port)['jid']}"
    request = urllib.request.Request(
        f"http://{HOST}:{port}{path}/stop",
        json.dumps({"drain": False, "formatType": "CANONICAL"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as reply:
        ticket = json.load(reply)["request-id"]
    done = eventually(
        lambda: (rest(port, f"{path}/savepoints/{ticket}") or {}).get("operation"), PATIENCE_S
    )
    return done["location"].removeprefix("file:")
