"""The picture of three readers says what each has got, in marks, words and rows."""

from __future__ import annotations

from studykit.course.layout import Course
from studykit.figures.operators import three_readers
from studykit.trace.operators.sinks import sunk
from studykit.widgets.reel import reel_of

RUN = sunk([5, 9, 3, 4, 7, 8], [5, 9, 4, 3, 7, 8], killed_after=4)
KILLED, BACK, AGAIN = 7, 8, 9


def gids(step: int) -> set[str]:
    figure = three_readers.draw(RUN, step)
    return {gid for artist in figure.findobj() if (gid := artist.get_gid())}


def test_a_record_is_taken_back_when_the_job_is_back():
    assert {"uncommitted:17:open", "turn:7:kill"} <= gids(KILLED)
    assert "uncommitted:17:aborted" in gids(BACK)
    assert "committed:17" not in gids(len(RUN.steps))


def test_the_store_takes_at_the_write_and_refuses_what_is_older():
    assert "store:17:taken" in gids(KILLED)
    assert "store:18:refused" in gids(AGAIN)
    assert not any(gid.startswith("store:") for gid in gids(0))


def test_the_legend_names_the_marks_that_are_there():
    def named(step: int) -> set[str]:
        texts = {artist.get_text() for artist in three_readers.draw(RUN, step).texts}
        return {text for text in texts if text}

    assert named(0) == set()
    assert named(1) == {"not committed", "taken by the store"}
    assert "refused by the store" not in named(BACK)
    assert {"taken back", "refused by the store"} <= named(AGAIN)


def test_words_and_rows_say_the_same():
    assert "no reader has anything" in three_readers.describe(RUN, 0)
    assert "17, 21 are taken back" in three_readers.describe(RUN, BACK)
    assert "refuses it" in three_readers.happened(RUN, AGAIN)
    assert "killed" in three_readers.happened(RUN, KILLED)
    rows = three_readers.table(RUN, len(RUN.steps))
    assert rows[-1]["committed"] == "5, 14, 18, 21, 28, 36"
    assert [row["step"] for row in rows] == list(range(1, reel_of(RUN).last + 1))


def test_one_may_jump_by_write_and_by_turn():
    marks = reel_of(RUN).landmarks
    assert len(marks["write"]) == 8
    assert {KILLED, BACK} <= set(marks["turn"])


def test_the_study_guide_says_what_its_picture_shows():
    words = f"{three_readers.TITLE}: {three_readers.describe(RUN, len(RUN.steps))}"
    root = Course.of_clone().root
    assert f"![{words}](docs/three-readers.png)" in (root / "StudyDoc.md").read_text("utf-8")
    assert (root / "docs" / "three-readers.png").read_bytes().startswith(b"\x89PNG")
