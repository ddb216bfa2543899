"""The job that prints nothing, on a real broker: one setting repairs it, and no other does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any
from uuid import uuid4

import pytest

from studykit.errors import StudyError
from studykit.exercises.lab06_inputs.e8_repaired_settings import EXERCISE
from studykit.services.live import broker, silent_job
from studykit.services.live.silent_job import SETTINGS, SPEAKING, SilentJob, require_repair
from studykit.services.live.voices import Voices

ALWAYS_S = 60.0
"""Until enough windows have come out, however slow the machine is."""


@pytest.mark.services
def test_the_idle_timeout_alone_lets_the_windows_out(kafka_servers: str) -> None:
    topic = f"readings-{uuid4()}"
    said: list[str] = []

    def windows(seconds: float, **setting: int) -> int:
        with closing(SilentJob(kafka_servers, {**SETTINGS, **setting}, topic)) as job:
            return job.run(seconds, 1, said.append).windows

    voices = [voice._replace(topic=topic, every_s=0.05) for voice in SPEAKING]
    with closing(Voices(kafka_servers, voices)) as producers:
        producers.begin()
        fired = windows(ALWAYS_S, idle_ms=700)
        assert len(said) == fired > 0
        # From here on the topic holds windows that fire wherever the empty partition is left out.
        for name in ("bound_ms", "fetch_rows", "flush_ms"):
            assert windows(0.5, **{name: 300}) == 0, name
    assert len(said) == fired


@pytest.mark.services
def test_the_cell_gives_the_status_to_the_answer_and_runs_the_job_by_its_settings(
    kafka_servers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def answer(partitions: list[dict[str, Any]], settings: dict[str, int]) -> dict[str, int]:
        asked.append([row["name"] for row in partitions if not row["records"]])
        repaired: dict[str, int] = EXERCISE.reference(partitions, settings)
        return repaired

    topic = f"readings-{uuid4()}"
    silent_job.show(answer, lambda: nullcontext(kafka_servers), topic, (1.0, ALWAYS_S), enough=2)
    (empty,) = asked
    assert "p3" in empty
    as_found, repaired = capsys.readouterr().out.split("by your settings")
    assert "no windows" in as_found
    assert "window [" not in as_found
    assert repaired.count("window [") >= 2
    assert repaired.endswith("stopped and removed\n")


@pytest.mark.services
def test_an_interrupt_ends_reader_producers_and_broker(kafka_servers: str) -> None:
    ended: list[str] = []

    @contextmanager
    def opened() -> Iterator[str]:
        try:
            yield kafka_servers
        finally:
            ended.append("broker")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        silent_job.show(interrupted, opened, f"readings-{uuid4()}", (0.1, 0.1))
    assert ended == ["broker"]
    assert set(threading.enumerate()) <= before


def test_a_broker_whose_start_is_interrupted_is_stopped_and_its_folder_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    class Interrupted:
        def __init__(self, workspace: Any, _port: int) -> None:
            self.home = workspace.home

        def start(self) -> None:
            assert self.home.exists()
            raise KeyboardInterrupt

        def stop(self) -> None:
            seen.append(self.home)

    monkeypatch.setattr(broker, "Kafka", Interrupted)
    with pytest.raises(KeyboardInterrupt), broker.own_broker():
        pass
    (home,) = seen
    assert not home.exists()


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (None, "must have the names of"),
        ({"idle_ms": 2_000}, "must have the names of"),
        ({**SETTINGS, "idle_ms": 2.5}, "your idle_ms is 2.5"),
        ({**SETTINGS, "idle_ms": True}, "your idle_ms is True"),
        ({**SETTINGS, "bound_ms": -1}, "your bound_ms is -1"),
        ({**SETTINGS, "fetch_rows": 0}, "your fetch_rows is 0"),
        (dict(SETTINGS), "you change no setting"),
        ({**SETTINGS, "idle_ms": 1, "bound_ms": 1}, "you change bound_ms, idle_ms: repair one"),
    ],
)
def test_what_is_no_repair_of_one_setting_is_refused_by_name(mine: object, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        require_repair(mine)


def test_a_broker_that_does_not_start_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> Any:
        raise StudyError("there is no Java")

    silent_job.show(dict, refuse)
    assert "there is no Java" in capsys.readouterr().out
