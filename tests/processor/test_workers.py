"""Several workers: one group on one machine, seen as one, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from flink_jobs.monitoring.merging import Sums
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.processor.workers import MAX_KILLS, WorkerEnded, Workers
from flink_jobs.stream_processor import main
from tests.support.waiting import eventually
from tests.support.worlds.processor import World
from tests.support.worlds.run import Run


def members(run: Run) -> list[psutil.Process]:
    """Return the workers of a run."""
    return psutil.Process(run.process.pid).children()


def are_gone(processes: list[psutil.Process]) -> bool:
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )


@pytest.mark.services
def test_two_workers_are_one_group_and_one_page(world: World) -> None:
    """A worker that is killed is started again; a stop of the parent is everyone's."""
    world.seed(2_000, seed=8)
    run = world.start("--workers", "2")
    reference = world.reference()
    consumed = sum(ledger.consumed for ledger in reference.ledgers.values())
    eventually(lambda: run.consumed() == consumed)
    with world.admin() as admin:
        described = admin.describe_groups([world.group])[world.group]
    assert len(described["members"]) == 2
    assert run.samples("features_workers") == {(): 2.0}
    assert sum(run.samples("features_lag_records").values()) == 0.0
    first, _ = members(run)
    first.kill()
    eventually(lambda: run.samples("features_worker_restarts_total") == {(): 1.0})
    assert run.consumed() >= consumed, "what the killed worker had counted stays counted"
    assert any("was killed by signal 9" in line["message"] for line in run.lines())
    eventually(lambda: run.samples("features_workers") == {(): 2.0})
    workers = members(run)
    assert run.stop() == 0
    assert are_gone(workers)
    world.evict()
    world.seed(500, seed=9)
    final = world.start("--workers", "2", "--until-caught-up")
    assert final.ended() == 0, final.log.read_text()
    world.assert_undisturbed()


@pytest.mark.services
def test_more_workers_than_partitions_are_refused(world: World) -> None:
    run = world.start("--workers", "9")
    assert run.ended() == 1
    assert "--workers 9: choose at most 8, the number of partitions" in run.log.read_text()


def test_no_worker_at_all_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workers", "0"]) == 1
    assert "--workers 0: choose at least 1" in capsys.readouterr().err


WAITING = """
import sys, threading
from flink_jobs.monitoring.health import Health
from flink_jobs.processor.workers import answer
stop = threading.Event()
answer(int(sys.argv[-1]), lambda: b"", Health("job"), stop)
print("ready", flush=True)
stop.wait()
"""
PARENT = f"""
import sys, threading
from flink_jobs.processor.workers import Workers
Workers([sys.executable, "-c", {WAITING!r}], 2, threading.Event(), "job").run()
"""


def test_a_parent_that_is_killed_leaves_no_worker() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == [b"ready\n"] * 2
        workers = psutil.Process(parent.pid).children()
        assert len(workers) == 2
        parent.kill()
        eventually(lambda: are_gone(workers))


def run_workers(code: str, count: int = 2) -> Workers:
    """Run workers that are small programs, until they end or are given up."""
    program = f"import os, signal, sys, time\n{code}"
    workers = Workers([sys.executable, "-c", program], count, threading.Event(), "stream_processor")
    workers.run()
    return workers


def test_workers_that_end_well_end_together() -> None:
    assert run_workers("").health.page()[0] == "200 OK"


def test_a_worker_that_ends_with_an_error_ends_all(tmp_path: Path) -> None:
    """The first of three fails, and the others would sleep for long."""
    first = f"""
try:
    os.close(os.open({str(tmp_path / "first")!r}, os.O_CREAT | os.O_EXCL))
except FileExistsError:
    time.sleep(600)
sys.exit(3)
"""
    before = set(psutil.Process().children())
    with pytest.raises(WorkerEnded, match=r"worker [012] has ended with status 3, so all end"):
        run_workers(first, count=3)
    assert set(psutil.Process().children()) == before


def test_workers_that_are_killed_again_and_again_end_all() -> None:
    with pytest.raises(WorkerEnded, match=f"after {MAX_KILLS} others within 60 s"):
        run_workers("os.kill(os.getpid(), signal.SIGKILL)", count=4)


PAGE = """# HELP features_rows_total Rows
# TYPE features_rows_total counter
features_rows_total{set="fraud"} %d
# TYPE features_rows_created gauge
features_rows_created{set="fraud"} 1.7e9
# HELP features_lag Lag
# TYPE features_lag gauge
features_lag{partition="%d"} %d
"""


def test_counters_of_the_dead_stay_and_their_gauges_go() -> None:
    sums = Sums()
    sums.update(0, PAGE % (3, 0, 10))
    sums.update(1, PAGE % (4, 1, 20))
    page = MetricsPage.read(sums.page().decode())
    assert (page.total("features_rows_total"), page.total("features_lag")) == (7, 30)
    sums.update(0, PAGE % (5, 0, 2))
    sums.end(0)
    page = MetricsPage.read(sums.page().decode())
    assert (page.total("features_rows_total"), page.total("features_lag")) == (9, 20)
    sums.update(0, PAGE % (1, 0, 7))
    page = MetricsPage.read(sums.page().decode())
    assert (page.total("features_rows_total", set="fraud"), page.total("features_lag")) == (10, 27)
    assert b"created" not in sums.page()
