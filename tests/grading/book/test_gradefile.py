"""Marks back in a course system's own file: its layout stays, the marks of one column change."""

from __future__ import annotations

import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from studykit.errors import StudyError
from studykit.grading.book.gradefile import Filling, GradeFile
from studykit.grading.book.marks import Mark
from studykit.grading.book.pages.feedback import moodle_zip
from studykit.grading.book.results import Result
from studykit.grading.example.maker import as_bytes
from studykit.grading.run import grade_all
from studykit.grading.show import Show
from tests.support.grading.submissions import COURSE, graded, order, put, solved, untouched

OUT_OF = 5

MOODLE = (
    "Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,"
    "Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 1234,Ada Lovelace,,ada@x.org,Submitted,,{most},Yes,"Sunday, 1 March 2026",-,\n'
    'Participant 77,"Bob Müller-Lüd",,bob@x.org,Submitted,,{most},Yes,-,-,"keep, this"\n'
    "Participant 9,Eve Roe,,eve@x.org,No submission,,{most},Yes,-,-,\n"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (501),Lab 2 (502),Current Score\n"
    ",,,,,Manual Posting,,\n"
    "    Points Possible,,,,,5.00,10,(read only)\n"
    '"Lovelace, Ada",1234,s1,ada,A,,7,70\n'
    '"Müller-Lüd, Bob",77,s2,bob,A,,,\n'
    '"Student, Test",9,,,A,,,\n'
)
GRADESCOPE = (
    "First Name,Last Name,SID,Email,Sections,Total Score,Max Points,Status,Submission ID\n"
    "Ada,Lovelace,1234,ada@x.org,,,5.0,Submitted,11\n"
    "Bob,Müller-Lüd,77,bob@x.org,,,5.0,Submitted,12\n"
    "Eve,Roe,9,eve@x.org,,,5.0,Missing,\n"
)
CLASSROOM = (
    "assignment_name,github_username,roster_identifier,points_awarded,points_available\n"
    "lab,ada,ada@x.org,0,5\n"
    "lab,bob,,0,5\n"
    "lab,eve,,,5\n"
)
BLACKBOARD = (
    '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Lab 1 [Total Pts: 5 Score] |77"\r\n'
    '"Lovelace"\t"Ada"\t"ada"\t"1234"\t""\r\n'
    '"Müller-Lüd"\t"Bob"\t"bob"\t"77"\t"Needs Grading"\r\n'
    '"Roe"\t"Eve"\t"eve"\t"9"\t""\r\n'
)
NUMBERED = ("Ada Lovelace_1234", "Bob Müller-Lüd_77")
USERS = ("ada", "bob")
SYSTEMS = {
    "moodle": (MOODLE.format(most="5.00"), "utf-8-sig", NUMBERED, None),
    "canvas": (CANVAS, "utf-8", ("lovelaceada_1234", "mllerldbob_77"), "Lab 1 (501)"),
    "gradescope": (GRADESCOPE, "utf-8", NUMBERED, None),
    "classroom": (CLASSROOM, "utf-8", USERS, None),
    "blackboard": (BLACKBOARD, "utf-16", USERS, None),
}


def mark(student: str, total: str | None) -> Mark:
    return Mark(
        Result(student=student, key="", status="graded"),
        total=None if total is None else Decimal(total),
    )


def fill(
    path: Path, text: str, *marks: Mark, encoding: str = "utf-8", column: str | None = None
) -> Filling:
    path.write_bytes(text.encode(encoding))
    return GradeFile.read(path, column).fill(marks, OUT_OF)


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, ""), delimiter="\t" if "\t" in text else ","))


@pytest.mark.parametrize("system", SYSTEMS)
def test_nothing_of_the_file_changes_but_the_marks(tmp_path: Path, system: str) -> None:
    text, encoding, (ada, bob), column = SYSTEMS[system]
    marks = (mark(ada, "4.5"), mark(bob, "3"))
    found = fill(tmp_path / "g.csv", text, *marks, encoding=encoding, column=column)
    assert GradeFile.read(tmp_path / "g.csv", column).layout.system == system
    assert (found.without_row, found.scaled) == ((), None)
    given, back = cells(text), cells(found.text.decode(encoding))
    changed = [
        (row[line], old, new)
        for row, other in zip(given, back, strict=True)
        for line, (old, new) in enumerate(zip(row, other, strict=True))
        if old != new
    ]
    assert [new for _, _, new in changed] == ["4.5", "3"]
    for new in ("4.5", "3"):
        (row,) = [row for row in back if new in row]
        assert any("ada" in cell.lower() for cell in row) is (new == "4.5")
    plain = found.text.decode(encoding)
    assert plain.count("\r\n") == text.count("\r\n")
    assert plain.startswith('"') is text.startswith('"')
    assert found.text[:2] == text.encode(encoding)[:2]


def test_without_a_mark_a_row_stays_as_it_is(tmp_path: Path) -> None:
    found = fill(tmp_path / "g.csv", CLASSROOM, mark("ada", None), mark("bob", "1"))
    assert "lab,ada,ada@x.org,0,5" in found.text.decode()


def test_who_has_no_row_is_named(tmp_path: Path) -> None:
    found = fill(tmp_path / "g.csv", CLASSROOM, mark("ada", "1"), mark("Bob", "1"))
    assert found.without_row == ("Bob",)


def test_two_students_or_two_rows_of_one_number_take_no_mark(tmp_path: Path) -> None:
    text = MOODLE.format(most="5")
    two = mark("Ada Lovelace_1234", "1"), mark("Eva Lovelace_1234", "2"), mark(NUMBERED[1], "3")
    found = fill(tmp_path / "g.csv", text, *two)
    assert found.without_row == ("Ada Lovelace_1234", "Eva Lovelace_1234")
    twice = text + text.splitlines()[1] + "\n"
    found = fill(tmp_path / "g.csv", twice, mark(NUMBERED[0], "1"), mark(NUMBERED[1], "3"))
    assert found.without_row == (NUMBERED[0],)


def test_two_students_of_one_number_take_no_mark_where_no_name_tells(tmp_path: Path) -> None:
    two = mark("ada_1234", "1"), mark("eva_1234", "2"), mark("bob_77", "3")
    found = fill(tmp_path / "g.csv", CANVAS, *two, column="Lab 1 (501)")
    assert found.without_row == ("ada_1234", "eva_1234")
    assert cells(found.text.decode())[3][5] == ""


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_names_the_most_points(tmp_path: Path, system: str) -> None:
    text, _, (ada, _), column = SYSTEMS[system]
    larger = text.replace("Pts: 5", "Pts: 20").replace(",5.00,", ",20.00,")
    larger = larger.replace(",5.0,", ",20.0,").replace(",0,5\n", ",0,20\n")
    found = fill(tmp_path / "g.csv", larger, mark(ada, "1.25"), column=column)
    assert found.scaled is not None
    assert any("5" in row for row in cells(found.text.decode()) if "ada" in str(row).lower())


def test_a_number_under_another_name_takes_no_mark(tmp_path: Path) -> None:
    text = MOODLE.format(most="5")
    found = fill(tmp_path / "g.csv", text, mark("Eve Roe_1234", "1"), mark(NUMBERED[1], "3"))
    assert found.without_row == ("Eve Roe_1234",)


@pytest.mark.parametrize(
    ("most", "wanted"),
    [("5.00", "3.33"), ("5,00", "3,33"), ("100.00", "66.6"), ("100,00", "66,6"), ("-", "3.33")],
)
def test_marks_are_scaled_and_written_as_the_file_writes_numbers(
    tmp_path: Path, most: str, wanted: str
) -> None:
    text = MOODLE.format(most=f'"{most}"')
    found = fill(tmp_path / "g.csv", text, mark(NUMBERED[0], "3.33"))
    assert cells(found.text.decode())[1][5] == wanted
    assert (found.scaled is not None) is ("100" in most)


def test_of_several_columns_one_must_be_named(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text(CANVAS, "utf-8")
    for column in (None, "Lab 3 (503)"):
        with pytest.raises(StudyError, match=r"--column .*'Lab 1 \(501\)', 'Lab 2 \(502\)'"):
            GradeFile.read(tmp_path / "g.csv", column)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Identifier,Grade\nParticipant 1,\n"])
def test_a_file_of_no_known_system_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "g.csv").write_text(text, "utf-8")
    with pytest.raises(StudyError, match="is no grade file of Moodle, Canvas"):
        GradeFile.read(tmp_path / "g.csv")


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    for data in (None, b"\xe9\xff", b'Identifier,"' + b"x" * 200_000):
        path = tmp_path / "g.csv"
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(StudyError, match=r"cannot read .*g\.csv"):
            GradeFile.read(path)


def moodle_s_reading(place: str) -> tuple[int, str] | None:
    """Return whose a file of a feedback zip is, and its name, by Moodle's own rules."""
    parts = place.split("/")
    while parts:
        words = parts.pop(0).split("_", 4)
        if len(words) >= 4 and words[1].isdecimal() and words[2:4] == ["assignsubmission", "file"]:
            return int(words[1]), "/".join([*words[4:], *parts])
    return None


@pytest.mark.parametrize("name", ["Ada Lovelace", "Bob_M. Müller-Lüd", "a/b_7", "O'Neil, Jr.", "_"])
def test_moodle_finds_the_person_of_a_feedback_page(name: str) -> None:
    data = moodle_zip({f"{name}_77": "<p>page</p>"})
    (place,) = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert moodle_s_reading(place) == (77, "feedback.html")
    assert moodle_zip({f"{name}_77": "<p>page</p>"}) == data


def test_from_moodle_s_zip_to_moodle_s_files(tmp_path: Path) -> None:
    folder = "{}_assignsubmission_file/lab01_clocks.ipynb"
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w") as archive:
        archive.writestr(folder.format(NUMBERED[0]), as_bytes(solved()))
        archive.writestr(folder.format(NUMBERED[1]), as_bytes(untouched()))
        archive.writestr(folder.format("Ann Other_5"), as_bytes(untouched()))
    put(tmp_path, {"grades.csv": MOODLE.format(most="100.00").encode("utf-8-sig")})
    out = tmp_path / "out"
    asked = order(tmp_path / "submissions.zip", out, fill=tmp_path / "grades.csv")
    screen = io.StringIO()
    with Show(Console(file=screen, width=200), out) as show:
        marks = grade_all(asked, COURSE, show.started, show.result, show.tick)
        assert show.finished(marks)
    assert "marks-for-moodle.csv: 2 marks filled in" in screen.getvalue()
    assert "scaled from 5 points to 100.00" in screen.getvalue()
    assert "no row is certainly that of Ann Other_5" in screen.getvalue()
    back = cells((out / "marks-for-moodle.csv").read_text("utf-8-sig"))
    assert [row[5] for row in back] == ["Grade", "100", "0", ""]
    with zipfile.ZipFile(out / "feedback-for-moodle.zip") as archive:
        found = {moodle_s_reading(name): archive.read(name).decode() for name in archive.namelist()}
    assert found.keys() == {(1234, "feedback.html"), (77, "feedback.html")}
    assert "5 of 5 points" in found[1234, "feedback.html"]


def test_the_file_of_another_class_is_refused_before_anything_is_graded(tmp_path: Path) -> None:
    put(tmp_path / "in", {"x/lab.ipynb": as_bytes(solved())})
    put(tmp_path, {"grades.csv": CLASSROOM.encode()})
    with pytest.raises(StudyError, match="no row is of a student of this class"):
        graded(tmp_path / "in", tmp_path / "out", fill=tmp_path / "grades.csv")
    assert not (tmp_path / "out" / "results.jsonl").exists()
