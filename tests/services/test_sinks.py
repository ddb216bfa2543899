"""The live part of the lesson and the lab on sinks, on a real broker and a real store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from studykit.errors import StudyError
from studykit.exercises.catalog import find_exercise
from studykit.exercises.definition import Exercise
from studykit.services.sinks import SinkRig
from studykit.widgets.real_run import RealRun
from tests.support.services.shared import TestServices

pytestmark = pytest.mark.services

EXERCISE: Exercise = find_exercise("L10.7")[1]
OPEN_AND_ABORTED = [
    ["write", "A", "x", 5],
    ["write", "B", "y", 9],
    ["commit", "B"],
    ["write", "C", "x", 7],
    ["abort", "C"],
]
LATE_COMMIT = [
    ["write", "A", "x", 5],
    ["write", "B", "x", 9],
    ["abort", "B"],
    ["write", "C", "y", 7],
    ["commit", "C"],
    ["commit", "A"],
]


class SharedSinkRig(SinkRig):
    """The services of the test run, with a topic of its own; it counts its starts."""

    def __init__(self, services: TestServices, home: Path) -> None:
        super().__init__(home=home)
        self.kafka, self.redis = services.kafka, services.redis
        self.topic = f"sinks-{uuid4().hex}"
        self.starts = self.stops = 0

    def start(self) -> str:
        self.starts += 1
        with closing(KafkaAdminClient(bootstrap_servers=self.kafka.address)) as admin:
            admin.create_topics([NewTopic(self.topic, 1, 1)])
        return "shared"

    def stop(self) -> str:
        self.stops += 1
        self._producers.clear()
        return "shared"


@pytest.fixture
def rig(
    services: TestServices,
    kafka_servers: str,
    redis_address: tuple[str, int],
    tmp_path: Path,
) -> Iterator[SharedSinkRig]:
    shared = SharedSinkRig(services, tmp_path)
    yield shared
    shared.stop()


@pytest.mark.parametrize("steps", [OPEN_AND_ABORTED, LATE_COMMIT], ids=["open", "late commit"])
def test_the_broker_gives_its_readers_what_the_exercise_expects(
    rig: SharedSinkRig, steps: list[list[Any]]
) -> None:
    rig.start()
    assert rig.play(steps) == EXERCISE.reference(steps)


def test_the_button_starts_nothing_before_it_is_pressed_and_stops_what_it_started(
    rig: SharedSinkRig,
) -> None:
    run = RealRun(EXERCISE.reference, OPEN_AND_ABORTED, rig)
    assert (rig.starts, rig.stops) == (0, 0)
    run.button.click()
    assert (rig.starts, rig.stops) == (1, 1)
    assert "The same for all three readers" in run.said.value
    assert "<td>[5, 9, 7]</td><td>[5, 9, 7]</td>" in run.rows.value
    assert not run.button.disabled


def test_without_services_it_says_which_cell_to_run(tmp_path: Path) -> None:
    stopped = SinkRig(home=tmp_path / "rig")
    for action in (stopped.client, lambda: stopped.producer("job"), lambda: stopped.read("any")):
        with pytest.raises(StudyError, match="run the cell with"):
            action()


def test_a_function_that_stops_with_an_error_starts_nothing(rig: SharedSinkRig) -> None:
    run = RealRun(lambda steps: {}["nothing"], OPEN_AND_ABORTED, rig)
    run.button.click()
    assert rig.starts == 0
    assert "KeyError" in run.said.value
    assert 'role="alert"' in run.said.value


def test_an_interrupted_run_stops_what_it_started_and_says_so(
    rig: SharedSinkRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_steps: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rig, "play", interrupted)
    run = RealRun(EXERCISE.reference, LATE_COMMIT, rig)
    run.button.click()
    assert (rig.starts, rig.stops) == (1, 1)
    assert "press the button again" in run.said.value
    assert not run.button.disabled


def test_a_wrong_answer_is_shown_beside_the_brokers(rig: SharedSinkRig) -> None:
    run = RealRun(lambda steps: None, LATE_COMMIT, rig)
    run.button.click()
    assert "They differ" in run.said.value
    assert "<td>[5, 7]</td>" in run.rows.value
