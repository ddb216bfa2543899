"""A knob on a job: what is drawn is what the job says, and the knob reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from studykit.errors import StudyError
from studykit.figures.operators import job_view
from studykit.flink.recording import JobMoment, JobRecording, OperatorState
from studykit.services.supervision.waiting import wait_until
from studykit.widgets import page
from studykit.widgets.live import run
from studykit.widgets.live.job import LiveJob


class Scripted:
    """A job of two operators that is slow where it sleeps, and ends after three looks."""

    def __init__(self, mutes: list[LiveJob]) -> None:
        self.sleep_ms = 0
        self._owner = mutes
        self._looks = 0

    def turn(self, sleep_ms: int) -> None:
        self.sleep_ms = sleep_ms

    def look(self) -> JobRecording:
        self._looks += 1
        if self._looks == 3:
            self._owner[0].stop.click()
        busy = 1.0 if self.sleep_ms else 0.1
        source = OperatorState("source[1]", (), None, 0.1, busy - 0.1, 10)
        return JobRecording(
            "job",
            "2.2",
            (JobMoment(0, (source, OperatorState("score[2]", (0,), None, busy, 0, 9))),),
        )


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studykit.widgets.live.job._REFRESH_S", 0.001)


@pytest.mark.parametrize(
    ("sleep_ms", "said"),
    [(0, "No operator is slow"), (20, "score works 100 % of the time and holds up 1 operator")],
)
def test_the_knob_makes_an_operator_slow(sleep_ms: int, said: str) -> None:
    owner: list[LiveJob] = []

    @contextmanager
    def opened() -> Iterator[Scripted]:
        yield Scripted(owner)

    job = LiveJob(job_view, opened=opened)
    owner.append(job)
    job.knob.value = sleep_ms
    job.start.click()
    assert job.thread is not None
    job.thread.join(60)
    assert said in job.said.value
    assert "nothing is left behind" in job.said.value
    assert said in job.image.value
    assert not job.start.disabled


def test_a_second_start_ends_the_first_before_anything_else_starts() -> None:
    runs = []

    class Steady(Scripted):
        def look(self) -> JobRecording:
            self._looks = 0
            return super().look()

    @contextmanager
    def opened() -> Iterator[Steady]:
        runs.append("starts")
        yield Steady([])
        runs.append("ends")

    first, second = LiveJob(job_view, opened=opened), LiveJob(job_view, opened=opened)
    first.start.click()
    second.start.click()  # of the cell that was run again
    first.thread.join(60)
    assert not first.start.disabled
    second.stop.click()
    second.thread.join(60)
    assert runs == ["starts", "ends", "starts", "ends"]
    assert "nothing is left behind" in second.said.value


def test_a_stop_while_it_starts_is_told_and_ends_the_start() -> None:
    starting = Event()

    @contextmanager
    def opened() -> Iterator[Scripted]:
        starting.set()
        assert job.ended.wait(60)
        yield Scripted([])

    job = LiveJob(job_view, opened=opened)
    job.start.click()
    assert starting.wait(60)
    job.stop.click()
    job.thread.join(60)
    assert job.said.value == page.status("All is stopped, and nothing is left behind.")
    assert not job.start.disabled


def test_how_long_it_has_been_starting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_COUNT_S", 0.001)

    @contextmanager
    def opened() -> Iterator[Scripted]:
        assert wait_until(lambda: "s so far" in job.said.value, 60)
        yield Scripted([job])

    job = LiveJob(job_view, opened=opened)
    job.start.click()
    job.thread.join(60)
    assert "nothing is left behind" in job.said.value


def test_without_flink_there_is_a_sentence() -> None:
    def refuse() -> None:
        raise StudyError("PyFlink is not installed")

    job = LiveJob(job_view, opened=refuse)
    job.start.click()
    job.thread.join(60)
    assert "PyFlink is not installed. The lesson goes on without it." in job.said.value
