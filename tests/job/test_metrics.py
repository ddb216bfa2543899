"""What Flink pushes, as one page; `tests/job/test_on_kafka.py` sees Flink itself push it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from flink_jobs.config import SettingsError
from flink_jobs.job.metrics import FORGOTTEN_S, STARTING_S, Pushes, serving
from flink_jobs.monitoring.page import MetricsPage
from studykit.cli.job_status import TROUBLE, job_lines
from studykit.services.network.ports import free_port
from tests.support.waiting import eventually

WORKER, COORDINATOR = "/metrics/job/flink1", "/metrics/job/flink2"
NAME = b"flink_taskmanager_job_task_operator_numLateRecordsDropped"
DROPPED = b'# HELP %s late\n# TYPE %s gauge\n%s{operator_name="a"} %%d\n' % (NAME, NAME, NAME)
RESTARTS = b"# HELP %s\n# TYPE %s gauge\n%s 3\n" % ((b"flink_jobmanager_job_numRestarts",) * 3)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def page(pushed: Pushes) -> MetricsPage:
    return MetricsPage.read(pushed.page().decode())


def test_the_processes_share_a_page_and_a_metric_stands_on_it_once(clock):
    pushed = Pushes("features", clock)
    pushed.receive(WORKER, DROPPED % 1)
    pushed.receive("/metrics/job/flink3", DROPPED % 4)
    pushed.receive(COORDINATOR, RESTARTS)
    assert page(pushed).total("numLateRecordsDropped") == 5
    assert page(pushed).total("numRestarts") == 3
    assert pushed.page().count(b"# TYPE") == 2


def test_only_the_newest_push_of_a_process_counts(clock):
    pushed = Pushes("features", clock)
    pushed.receive(WORKER, DROPPED % 1)
    pushed.receive(WORKER, DROPPED % 2)
    assert page(pushed).total("numLateRecordsDropped") == 2


def test_a_process_that_says_farewell_is_gone_at_once(clock):
    pushed = Pushes("features", clock)
    pushed.receive(WORKER, DROPPED % 1)
    pushed.receive(WORKER, b"")
    assert pushed.page() == b""


def test_a_process_that_was_killed_is_forgotten_after_a_while(clock):
    pushed = Pushes("features", clock)
    pushed.receive(WORKER, DROPPED % 1)
    clock.now += FORGOTTEN_S
    assert page(pushed).total("numLateRecordsDropped") == 1
    clock.now += 0.001
    assert page(pushed).total("numLateRecordsDropped") == 0


def test_a_record_that_a_window_dropped_is_a_trouble_and_none_is_not(clock):
    pushed = Pushes("features", clock)
    pushed.receive(WORKER, DROPPED % 0)
    assert pushed.troubles() == {}
    pushed.receive(WORKER, DROPPED % 2)
    assert "dropped 2 records that no dead letter tells of" in pushed.troubles()["windows"]


def test_a_silence_is_a_trouble_once_the_job_should_have_started(clock):
    pushed = Pushes("features", clock)
    clock.now += STARTING_S - 0.001
    assert pushed.troubles() == {}
    clock.now += 0.001
    assert "reported nothing for 60 s" in pushed.troubles()["metrics"]


def test_what_is_pushed_is_served_and_told_in_the_status():
    port = free_port()
    with serving("features", port):
        push(port, WORKER, DROPPED % 0)
        assert ("health", "well") in job_lines(port)
        push(port, WORKER, DROPPED % 7)
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz")
        with refusal.value as answer:
            assert (answer.code, json.load(answer)["status"]) == (503, "degraded")
        name, text = next(line for line in job_lines(port) if line[0].startswith(TROUBLE))
        assert (name, text[:40]) == (
            f"{TROUBLE} windows",
            "Flink's windows have dropped 7 records t",
        )
        assert ("dropped by windows", "7, and must be 0") in job_lines(port)
    assert job_lines(port) == []


def test_processes_that_push_nothing_are_asked():
    theirs, ours = free_port(), free_port()
    with serving("a process", theirs):
        push(theirs, WORKER, DROPPED % 7)
        with serving("features", ours, [f"http://127.0.0.1:{theirs}/metrics"]):
            eventually(lambda: f"{TROUBLE} windows" in dict(job_lines(ours)))


def test_a_process_that_is_away_is_a_trouble_of_its_own_and_stops_nothing(monkeypatch):
    monkeypatch.setattr("flink_jobs.job.metrics.STARTING_S", 0.0)
    port = free_port()
    with serving("features", port, [f"http://127.0.0.1:{free_port()}/metrics"]):
        assert f"{TROUBLE} metrics" in dict(job_lines(port))


def test_a_port_that_is_taken_is_one_sentence():
    port = free_port()
    with (
        serving("features", port),
        pytest.raises(SettingsError, match=f"METRICS_PORT={port} is taken"),
        serving("features", port),
    ):
        pass


def push(port: int, path: str, body: bytes) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, method="PUT")
    urllib.request.urlopen(request).close()
