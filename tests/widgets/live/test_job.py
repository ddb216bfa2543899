"""A knob on a job: what is drawn is what the job says, and the knob reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from studykit.errors import StudyError
from studykit.figures.operators import job_view
from studykit.flink.recording import JobMoment, JobRecording, OperatorState
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


def test_without_flink_there_is_a_sentence() -> None:
    def refuse() -> None:
        raise StudyError("PyFlink is not installed")

    job = LiveJob(job_view, opened=refuse)
    job.start.click()
    job.thread.join(60)
    assert "PyFlink is not installed. The lesson goes on without it." in job.said.value
