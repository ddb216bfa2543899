"""Whatever ends a test run, a demo, a lesson or a bench: nothing that it started goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from studykit.services.network.ports import free_port
from studykit.services.redis import Redis, find_redis
from studykit.services.supervision.leash import VARIABLE, slip_leash
from studykit.workspace import Workspace
from tests.support.services.shared import home_for_services
from tests.support.waiting import eventually

pytestmark = pytest.mark.services

CLONE = Path(__file__).parents[3]
STUDY = str(Path(sys.executable).with_name("study"))
RUN = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "tests/services/supervision/waiting_run.py",
]
MAKE_TEST = [
    "make", "test", "--old-file=lint", "--old-file=.venv/.installed-all",
    "RUN=sh -c 'exec sleep 600'",  # in place of Python, and takes no notice of the words behind
]  # fmt: skip
DEMO = [STUDY, "demo"]
BENCH = [sys.executable, "-m", "benchmarks", "pipeline"]
LESSON = [
    sys.executable, "-c", "from studykit.flink.production import JobRig; import time;"
    "JobRig().start(); time.sleep(600)",
]  # fmt: skip

Kill = Callable[[subprocess.Popen[bytes]], None]


def interrupted_by_ctrl_c(runner: subprocess.Popen[bytes]) -> None:
    """Send what a terminal sends: an interrupt to the whole process group."""
    os.killpg(runner.pid, signal.SIGINT)


def interrupted(runner: subprocess.Popen[bytes]) -> None:
    runner.send_signal(signal.SIGINT)


def terminated(runner: subprocess.Popen[bytes]) -> None:
    runner.terminate()


def killed(runner: subprocess.Popen[bytes]) -> None:
    runner.kill()


def _hear_interrupts() -> None:
    """Undo what a shell does to what it runs in the background: interrupts are ignored there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _environ_of_a_person() -> dict[str, str]:
    """Return the environment without what a test run tells its own processes."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")
    }


class Holder:
    """A process to kill, and all that it has started, known by a word in their environment."""

    def __init__(self, command: list[str], home: Path, **environ: str) -> None:
        self._mark = uuid4().hex
        self._home = home
        self.runner = subprocess.Popen(
            command,
            cwd=CLONE,
            env={**_environ_of_a_person(), "STUDY_HOME": str(home), "MARK": self._mark, **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_hear_interrupts,  # noqa: PLW1509 - it takes no lock
        )

    def alive(self) -> list[psutil.Process]:
        """Return the processes that it started and that run, itself among them."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get("MARK") == self._mark or self._is_store(process)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _is_store(self, process: psutil.Process) -> bool:
        """Know a Redis server by its folder: it writes its title over its environment."""
        return process.name() == find_redis().name and Path(process.cwd()).is_relative_to(
            self._home
        )

    def runs(self, *names: str) -> bool:
        assert self.runner.poll() is None
        found: Counter[str] = Counter()
        for process in self.alive():
            with suppress(psutil.Error):  # it may end while it is looked at
                found[process.name()] += 1
        return Counter(names) <= found


@pytest.fixture
def home() -> Iterator[Path]:
    with home_for_services() as home:
        yield home


@pytest.mark.parametrize("end", [interrupted_by_ctrl_c, interrupted, terminated, killed])
def test_a_test_run_leaves_nothing(home: Path, end: Kill) -> None:
    assert_leaves_nothing(Holder(RUN, home), find_redis().name, end=end)


def test_a_test_run_of_several_processes_leaves_nothing(home: Path) -> None:
    assert_leaves_nothing(Holder([*RUN, "-n1"], home), find_redis().name, end=killed)


@pytest.mark.parametrize("command", [DEMO, LESSON, BENCH], ids=["demo", "lesson", "bench"])
def test_what_is_killed_leaves_nothing(home: Path, command: list[str]) -> None:
    assert_leaves_nothing(Holder(command, home), find_redis().name, "java", end=killed)
    eventually(lambda: not any(home.glob("run/lesson12-*")), seconds=30)


@pytest.mark.parametrize("end", [interrupted_by_ctrl_c, terminated, killed])
def test_make_test_leaves_neither_half(home: Path, end: Kill) -> None:
    holder = Holder([*MAKE_TEST, f"GRADING_SAID={home}/grading.txt"], home)
    assert_leaves_nothing(holder, "sleep", "sleep", end=end)


def assert_leaves_nothing(holder: Holder, *names: str, end: Kill) -> None:
    try:
        eventually(lambda: holder.runs(*names), seconds=240)
        end(holder.runner)
        holder.runner.wait(30)
        eventually(lambda: holder.alive() == [], seconds=30)
    finally:
        for process in holder.alive():
            with suppress(psutil.Error):
                process.kill()


def test_what_make_up_starts_goes_on(home: Path, kafka_servers: str) -> None:
    port = free_port()
    script = (
        "from studykit.services.supervision.leash import hold_leash;"
        "import subprocess, time; hold_leash();"
        f"subprocess.run([{STUDY!r}, 'up']); subprocess.Popen(['sleep', '600']); time.sleep(600)"
    )
    holder = Holder(
        [sys.executable, "-c", script], home, KAFKA_SERVERS=kafka_servers, REDIS_PORT=str(port)
    )
    eventually(lambda: holder.runs("sleep"))
    holder.runner.kill()
    holder.runner.wait()
    eventually(lambda: [process.name() for process in holder.alive()] == [find_redis().name])
    assert Redis(Workspace(home), port).answers()


def test_a_leash_comes_off_unless_it_is_firm() -> None:
    environ = {VARIABLE: "/tmp/firm-leash-1:/tmp/leash-2"}
    slip_leash(environ)
    assert environ == {VARIABLE: "/tmp/firm-leash-1"}
    environ = {VARIABLE: "/tmp/leash-2"}
    slip_leash(environ)
    assert environ == {}
