import fcntl
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from studykit.errors import StudyError
from studykit.services.network.ports import free_port, refusal
from studykit.services.redis import Redis, find_redis
from studykit.services.supervision import process
from studykit.workspace import Workspace
from tests.support.services.shared import home_for_services

IGNORE_SIGTERM = "import signal,time;signal.signal(15,signal.SIG_IGN);print(1,flush=True);"
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def bystander():
    with subprocess.Popen(SLEEP) as other:
        yield other
        other.kill()


@pytest.fixture
def workspace():
    with home_for_services() as home:
        yield Workspace(home)


def write_record(workspace: Workspace, pid: int, started: float) -> Path:
    path = workspace.run / "redis.json"
    path.write_text(json.dumps({"pid": pid, "started": started, "port": 1}))
    return path


def test_a_recycled_pid_is_not_killed(workspace, bystander):
    born = psutil.Process(bystander.pid).create_time()
    record = write_record(workspace, bystander.pid, born - 3)
    assert Redis(workspace, 1).stop() is False
    assert bystander.poll() is None
    assert not record.exists()


def test_the_same_pid_with_the_same_start_time_is_the_service(workspace, bystander):
    write_record(workspace, bystander.pid, psutil.Process(bystander.pid).create_time())
    assert Redis(workspace, 1).running() is not None


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "null"])
def test_a_record_cut_short_means_that_nothing_runs(workspace, text):
    (workspace.run / "redis.json").write_text(text)
    assert Redis(workspace, 1).running() is None


def test_the_record_is_written_by_the_process_that_it_tells_of(workspace):
    record = workspace.run / "sleep.json"
    process.launch(record, workspace.logs / "sleep.log", 1, SLEEP, workspace.home)
    running = process.read_record(record)
    assert running is not None
    assert running.process().cmdline() == SLEEP
    process.kill(running)
    assert process.read_record(record) is None


@pytest.mark.parametrize(
    "name", ["FLINK_CONF_DIR", "PYTHON_LOOPBACK_SERVER_ADDRESS", "PYFLINK_GATEWAY_DISABLED"]
)
def test_what_is_meant_for_another_flink_is_not_inherited(workspace, monkeypatch, name):
    monkeypatch.setenv(name, "localhost:1")
    monkeypatch.setenv("OF_SOMEBODY_ELSE", "kept")
    record = workspace.run / "sleep.json"
    process.launch(record, workspace.logs / "sleep.log", 1, SLEEP, workspace.home)
    running = process.read_record(record)
    inherited = running.process().environ()
    process.kill(running)
    assert name not in inherited
    assert inherited["OF_SOMEBODY_ELSE"] == "kept"


def test_what_is_started_reaches_this_machine_without_a_proxy(workspace, monkeypatch):
    monkeypatch.delenv("no_grpc_proxy", raising=False)
    record = workspace.run / "sleep.json"
    process.launch(record, workspace.logs / "sleep.log", 1, SLEEP, workspace.home)
    running = process.read_record(record)
    inherited = running.process().environ()
    process.kill(running)
    assert {"localhost", "127.0.0.1"} <= {*inherited["no_grpc_proxy"].split(",")}


def test_a_launch_waits_for_the_lock_that_a_killed_process_still_holds(workspace):
    record = workspace.run / "sleep.json"
    with record.with_suffix(".lock").open("w") as dying:
        fcntl.flock(dying, fcntl.LOCK_EX)
        threading.Timer(1, fcntl.flock, (dying, fcntl.LOCK_UN)).start()
        process.launch(record, workspace.logs / "sleep.log", 1, SLEEP, workspace.home)
    running = process.read_record(record)
    assert running is not None
    process.kill(running)


def test_a_second_launch_leaves_the_first_process_in_place(workspace):
    record = workspace.run / "sleep.json"
    process.launch(record, workspace.logs / "sleep.log", 1, SLEEP, workspace.home)
    first = process.read_record(record)
    record.unlink()  # as if the second had looked before the first had written it
    process.launch(record, workspace.logs / "sleep.log", 1, SLEEP, workspace.home)
    assert process.read_record(record) is None
    process.kill(first)


def test_a_command_that_cannot_run_is_one_sentence(workspace):
    with pytest.raises(StudyError, match=r"^cannot run /no/java \(No such file or directory"):
        process.launch(workspace.run / "x.json", workspace.logs / "x.log", 1, ["/no/java"], Path())


def test_a_process_that_ignores_the_request_to_stop_is_killed(workspace):
    record, log = workspace.run / "deaf.json", workspace.logs / "deaf.log"
    deaf = [sys.executable, "-c", IGNORE_SIGTERM + "time.sleep(60)"]
    process.launch(record, log, 1, deaf, workspace.home)
    deadline = time.monotonic() + 10
    while not log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.stop(process.read_record(record), patience_seconds=0.1)
    assert process.read_record(record) is None


def test_a_taken_port_names_the_process_and_another_port(workspace):
    redis = Redis(workspace, free_port())
    redis.start()
    other = Redis(Workspace(workspace.home / "other"), redis.port)
    with pytest.raises(StudyError) as caught:
        other.start()
    pid = redis.running().pid
    assert f"port {redis.port} is taken by {find_redis().name} (pid {pid}): " in str(caught.value)
    assert "`REDIS_PORT=" in str(caught.value)


def test_the_last_port_has_no_next_one_and_still_another_is_named():
    assert "REDIS_PORT=" in refusal(65_535, "REDIS_PORT")


def test_a_service_on_another_port_is_not_moved(workspace):
    redis = Redis(workspace, free_port())
    redis.start()
    with pytest.raises(StudyError, match=f"already runs on port {redis.port}: `study down`"):
        Redis(workspace, free_port()).start()


def test_a_server_that_dies_at_once_says_its_last_words(workspace):
    class Broken(Redis):
        def command(self, say):
            return [*super().command(say), "--no-such-option", "1"]

    with pytest.raises(
        StudyError, match=r"stopped while it was starting; its last log line: .*log\)$"
    ):
        Broken(workspace, free_port()).start()
