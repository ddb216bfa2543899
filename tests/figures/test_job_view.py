"""The picture of a job: from a recording that a real Flink gave of itself."""

from __future__ import annotations

from base64 import b64encode
from itertools import pairwise
from pathlib import Path

import pytest

from studykit.course.layout import Course
from studykit.drawing import style
from studykit.errors import StudyError
from studykit.figures.operators import job_view
from studykit.flink import recording
from studykit.flink.recording import JobMoment, OperatorState, load, record
from studykit.services.network.ports import free_port
from studykit.widgets import Picture, Stepper

RECORDING = load(Path(recording.__file__).with_name("recordings") / "slow_python_function.json")
LAST = len(RECORDING.moments) - 1


def operator(name: str, busy: float, held_up: float = 0.0) -> OperatorState:
    return OperatorState(name, (), None, busy, held_up, 0)


def test_recording_is_of_the_version_that_the_course_pins() -> None:
    assert RECORDING.flink == "2.2.1"


def test_watermarks_and_records_never_go_back() -> None:
    for before, after in pairwise(RECORDING.moments):
        for old, new in zip(before.operators, after.operators, strict=True):
            assert old.name == new.name
            assert (old.watermark_ms or 0) <= (new.watermark_ms or old.watermark_ms or 0)
            assert old.records <= new.records


def test_python_function_holds_up_everything_before_it() -> None:
    sentence = job_view.describe(RECORDING, LAST)
    assert sentence.startswith("PythonCalc works 100 % of the time and holds up 6 operators: tx,")
    assert sentence.endswith("Its watermark is 567 s behind the first.")
    figure = job_view.draw(RECORDING, LAST)
    assert "* first slow one, works 100 %" in {
        text.get_text() for axes in figure.axes for text in axes.texts
    }
    assert "busy:PythonCalc:100" in {
        artist.get_gid() for artist in figure.findobj() if artist.get_gid()
    }


def test_back_pressure_reaches_the_source_last() -> None:
    def since(place: int) -> int:
        held = (m.at_ms for m in RECORDING.moments if m.operators[place].held_up > 0.3)
        return next(held)

    assert since(5) <= since(3) <= since(0)


def test_each_moment_can_be_drawn_described_and_tabled() -> None:
    for step in (0, LAST // 2, LAST):
        assert style.png(job_view.draw(RECORDING, step))
        assert job_view.describe(RECORDING, step).endswith(".")
        assert len(job_view.table(RECORDING, step)) == len(RECORDING.moments[step].operators)


def test_recording_is_played_like_a_trace() -> None:
    stepper = Stepper(RECORDING, job_view)
    assert stepper.slider.max == LAST
    for step in (0, LAST):
        stepper.step = step
        picture = b64encode(style.png(job_view.draw(RECORDING, step))).decode()
        assert picture in stepper.image.value
        assert job_view.describe(RECORDING, step) in stepper.sentence.value
    assert "Step 23 of 23" in stepper.happened.value
    assert "26.2 s into the recording" in stepper.happened.value
    assert stepper.film()[1] == job_view.describe(RECORDING, LAST)


def test_picture_of_a_recording_is_its_last_moment() -> None:
    assert Picture(RECORDING, job_view).sentence == job_view.describe(RECORDING, LAST)


def test_slow_is_who_works_and_waits_for_nobody() -> None:
    a, b, c = operator("a", 0.1, 0.9), operator("b", 0.95), operator("c", 0.2)
    assert job_view.first_slow((a, b, c)) == b
    assert job_view.first_slow((a, c)) is None
    assert job_view.describe(
        recording.JobRecording("job", "2.2.1", (JobMoment(0, (a, c)),)), 0
    ).startswith("No operator is slow")


def test_cluster_that_does_not_answer_is_named() -> None:
    port = free_port()
    with pytest.raises(StudyError, match=f"no Flink answers at 127.0.0.1:{port}/jobs"):
        record(port, 1)


def test_recording_that_is_not_there_is_named() -> None:
    with pytest.raises(StudyError, match=r"cannot read the recording nowhere\.json"):
        load(Path("nowhere.json"))


def test_the_study_guide_says_what_its_picture_shows() -> None:
    words = f"{job_view.TITLE}: {job_view.describe(RECORDING, LAST)}"
    root = Course.of_clone().root
    assert f"![{words}](docs/first-slow.png)" in (root / "StudyDoc.md").read_text("utf-8")
    assert (root / "docs" / "first-slow.png").read_bytes().startswith(b"\x89PNG")
