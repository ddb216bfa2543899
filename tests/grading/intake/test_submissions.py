"""Intake: exports, archives and lists become one folder of files for each student."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.grading.example.maker import as_bytes
from studykit.grading.intake.archives import Rejection
from studykit.grading.intake.submissions import Submission, take_in
from studykit.grading.intake.systems import owners
from studykit.grading.notebook.choice import choose
from studykit.grading.notebook.code import read_code
from studykit.grading.notebook.reading import ReadingFailure
from studykit.grading.notebook.rebuild import Original
from tests.support.grading.submissions import COURSE, LAB, put, solved

ORIGINAL = Original.of(LAB, COURSE)

METADATA = """---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1234'
    :email: ada@example.org
  :created_at: 2026-03-01 10:11:12.123456000 Z
  :score: 3.0
  :results:
    output: |
      :name: nobody
submission_12:
  :submitters:
  - :name: "O'Neil, Bob"
    :email: bob@example.org
  - :name: Cem
    :sid: 7
  :created_at: 2026-03-02 00:00:00.000000000 Z
"""


def test_a_gradescope_export_is_known_by_its_metadata(tmp_path: Path) -> None:
    book = as_bytes(solved())
    files = {f"submission_{number}/lab.ipynb": book for number in (11, 12, 13)}
    put(tmp_path / "in" / "assignment_5_export", files)
    put(tmp_path / "in" / "assignment_5_export", {"submission_metadata.yml": METADATA.encode()})
    found = take_in(tmp_path / "in", LAB.name, tmp_path / "spool")
    assert [(submission.student, submission.submitted) for submission in found] == [
        ("Ada Lovelace_1234", "2026-03-01 10:11:12.123456000 Z"),
        ("Cem_7", "2026-03-02 00:00:00.000000000 Z"),
        ("O'Neil, Bob", "2026-03-02 00:00:00.000000000 Z"),
        ("submission_13", None),
    ]
    assert {len(submission.files) for submission in found} == {1}


def test_repositories_of_github_classroom_are_named_by_their_owners(tmp_path: Path) -> None:
    names = ("two-clocks-ada", "two-clocks-bob-b", "other")
    files = {f"{name}/labs/my_lab01.ipynb": b"" for name in names}
    put(tmp_path / "two-clocks-submissions", files)
    put(tmp_path / "two-clocks-submissions", {"two-clocks-ada/.git/config": b""})
    found = take_in(tmp_path / "two-clocks-submissions", LAB.name, tmp_path / "spool")
    assert [submission.student for submission in found] == ["ada", "bob-b", "other"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_with_one_folder_around_all_is_as_the_folder(tmp_path: Path, kind: str) -> None:
    put(tmp_path / "in", {f"all/{name}/lab.ipynb": as_bytes(solved()) for name in ("a", "b")})
    path = tmp_path / f"class.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for notebook in sorted((tmp_path / "in").rglob("*.ipynb")):
                archive.write(notebook, notebook.relative_to(tmp_path / "in"))
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tmp_path / "in" / "all", "all")
    found = take_in(path, LAB.name, tmp_path / "spool")
    assert [(submission.student, len(submission.files)) for submission in found] == [
        ("a", 1),
        ("b", 1),
    ]


@pytest.mark.parametrize(("columns", "said"), [("student", "path"), ("path", "student")])
def test_a_list_without_a_column_is_one_sentence(tmp_path: Path, columns: str, said: str) -> None:
    (tmp_path / "list.csv").write_text(f"{columns}\nx\n", "utf-8")
    with pytest.raises(StudyError, match=f"no column '{said}'"):
        take_in(tmp_path / "list.csv", LAB.name, tmp_path / "spool")


def taken(source: Path, tmp_path: Path, **more: str) -> dict[str, Submission]:
    found = take_in(source, LAB.name, tmp_path / "spool", **more)
    return {submission.student: submission for submission in found}


def test_names_that_are_no_utf_8_are_students_like_others(tmp_path: Path) -> None:
    for name in (b"J\xf6rg", b"J\xe4rg", b"Ada"):
        folder = os.path.join(os.fsencode(tmp_path), b"in", name)
        os.makedirs(folder)
        with open(os.path.join(folder, b"l\xffab.ipynb"), "wb") as file:
            file.write(as_bytes(solved()))
    found = taken(tmp_path / "in", tmp_path)
    assert list(found) == ["Ada", "J\\xe4rg", "J\\xf6rg"]
    assert len({submission.digest() for submission in found.values()}) == 1


def test_what_cannot_be_read_is_its_student_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions stop no root, so the system's answer is made up."""
    put(tmp_path / "in", {"a/lab.ipynb": b"", "b/deep/lab.ipynb": b"", "c/lab.ipynb": b""})
    scandir, opened = os.scandir, os.open

    def no_folder(path: Path) -> object:
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def no_file(path: Path, flags: int, *more: object) -> int:
        if Path(path).parent.name == "c":
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *more)

    monkeypatch.setattr("os.scandir", no_folder)
    monkeypatch.setattr("os.open", no_file)
    found = taken(tmp_path / "in", tmp_path)
    assert [found[name].rejected for name in "abc"] == [
        "", "the folder deep cannot be read: permission denied", ""
    ]  # fmt: skip
    assert found["c"].digest()
    with pytest.raises(
        ReadingFailure, match=r"^the file lab.ipynb cannot be read: permission denied$"
    ):
        choose(found["c"], ORIGINAL)


def test_a_folder_without_a_file_is_a_student_who_handed_in_nothing(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": b""})
    (tmp_path / "in" / "b").mkdir()
    assert taken(tmp_path / "in", tmp_path)["b"].rejected == "the folder is empty"


def test_students_called_like_junk_are_students(tmp_path: Path) -> None:
    files = [".venv/lab.ipynb", "__MACOSX/lab.ipynb", "a/__MACOSX/x.ipynb", "a/lab.ipynb",
             "a/.venv/x.ipynb", "a/.git/config", ".DS_Store", "Thumbs.db"]  # fmt: skip
    put(tmp_path / "in", dict.fromkeys(files, b""))
    found = taken(tmp_path / "in", tmp_path)
    assert list(found) == [".venv", "__MACOSX", "a"]
    assert [file.place for file in found["a"].files] == [("lab.ipynb",)]
    put(tmp_path / "in", {".venv/pyvenv.cfg": b"", "__MACOSX/a/._lab.ipynb": b""})
    (tmp_path / "in" / "__MACOSX" / "lab.ipynb").unlink()
    assert list(taken(tmp_path / "in", tmp_path)) == ["a"]


def test_a_file_and_a_folder_of_one_name_have_no_mark(tmp_path: Path) -> None:
    put(tmp_path / "in", {"ada/lab.ipynb": b"", "ada.ipynb": b"", "lab01_bob.ipynb": b""})
    put(tmp_path / "in", {"bob.ipynb": b"", "c.ipynb": b""})
    found = taken(tmp_path / "in", tmp_path)
    assert found["ada"].unsettled == ["several have handed in under this name: ada, ada.ipynb"]
    assert found["bob"].unsettled
    assert not found["c"].unsettled


CLASS_OF_ODD = [
    ("a/lab.ipynb", "a"),
    ("b/" + "x" * 300 + "/lab.ipynb", "b"),
    ("c", "c"),
    ("c/lab.ipynb", "c"),
    ("d/\udce9.ipynb", "d"),
    ("e/../../x.ipynb", "e"),
    ("f/" * 12 + "x.ipynb", "f"),
]


def test_no_entry_of_a_class_archive_stops_the_others(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "class.tar", "w") as archive:
        for name, _ in CLASS_OF_ODD:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = 4, 1_000 + len(name)
            archive.addfile(entry, io.BytesIO(b"text"))
        for name, kind in (("g/lab.ipynb", tarfile.SYMTYPE), ("h/lab.ipynb", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("i/lab.ipynb")
        entry.pax_headers = {"mtime": "1e300"}
        archive.addfile(entry)
    found = taken(tmp_path / "class.tar", tmp_path)
    assert list(found) == list("abcdefghi")
    rejected = {name for name, submission in found.items() if submission.rejected}
    assert rejected == {"e", "f", "g", "h"}
    assert found["c"].unsettled == ["a file and a folder have this name"]
    assert found["i"].files[0].modified == 0
    assert found["a"].files[0].path.read_bytes() == b"text"


def test_a_damaged_or_huge_file_of_a_class_zip_is_its_student_s_own(tmp_path: Path) -> None:
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/lab.ipynb", as_bytes(solved()))
        archive.writestr("b/lab.ipynb", b"DAMAGED" * 100, zipfile.ZIP_STORED)
        archive.writestr("c/lab.ipynb", b" " * 60 * 2**20)
        archive.writestr("d/lab.ipynb", b" " * 70 * 2**20)
    path.write_bytes(path.read_bytes().replace(b"DAMAGED", b"damaged", 1))
    found = taken(path, tmp_path)
    assert {name: found[name].rejected for name in found} == {
        "a": "",
        "b": "b/lab.ipynb is damaged or locked in the archive",
        "c": "",
        "d": "the archive is too large when it is unpacked",
    }


def test_the_newest_of_a_class_zip_counts(tmp_path: Path) -> None:
    """Times of a zip are kept beside the files: a file system may not hold them."""
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for year, name in ((2026, "a/new.ipynb"), (2025, "a/z.ipynb"), (2026, "b/x.ipynb")):
            info = zipfile.ZipInfo(name, (year, 3, 1, 10, 0, 0))
            archive.writestr(info, as_bytes(solved({"to_ms": f"def to_ms(x): return {year}"})))
    chosen = choose(taken(tmp_path / "class.zip", tmp_path)["a"], ORIGINAL)
    assert chosen.name == "new.ipynb"
    assert chosen.notes == ("2 notebooks of this lab, the newest counts: new.ipynb",)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00damaged", b"BZh9xxxx"])
@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_student_s_archive_of_any_bytes_is_rejected(
    tmp_path: Path, data: bytes, kind: str
) -> None:
    put(tmp_path / "in", {f"a/x{kind}": data})
    with pytest.raises(Rejection, match="damaged or locked"):
        choose(taken(tmp_path / "in", tmp_path)["a"], ORIGINAL)


@pytest.mark.parametrize("at", range(5, 100, 10))
def test_a_zip_damaged_anywhere_is_rejected_or_read(tmp_path: Path, at: int) -> None:
    """Deflated data that is no such thing raises other errors than a wrong sum."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lab.ipynb", as_bytes(solved()))
    data = bytearray(whole.getvalue())
    place = len(data) * at // 100
    data[place : place + 8] = b"\xff" * 8
    put(tmp_path / "in", {"a/x.zip": bytes(data)})
    try:
        assert choose(taken(tmp_path / "in", tmp_path)["a"], ORIGINAL).name
    except (Rejection, ReadingFailure) as error:
        assert str(error).isprintable()


def test_a_list_never_guesses(tmp_path: Path) -> None:
    put(tmp_path, {name: as_bytes(solved()) for name in ("a.ipynb", "b.ipynb", "c/lab.ipynb")})
    (tmp_path / "list.csv").write_text(
        "student,path,submitted\nada,a.ipynb,05.03.2026 00:30\nada,b.ipynb,\nbob,,\n"
        "cem,.,\ndan,c,soon\n,,\neve,none.ipynb,\n", "utf-8"
    )  # fmt: skip
    found = taken(tmp_path / "list.csv", tmp_path)
    assert found["ada"].unsettled == ["several have handed in under this name: row 1, row 2"]
    assert found["bob"].rejected == "the list names no file"
    assert found["cem"].rejected == "the list names its own folder, where all lies"
    assert found["dan"].review == ["when it was handed in is not understood: soon"]
    assert found["eve"].rejected == "the file is not there"
    (tmp_path / "list.csv").write_text("student,path\n ,a.ipynb\n", "utf-8")
    with pytest.raises(StudyError, match="row 1 names no student"):
        taken(tmp_path / "list.csv", tmp_path)


def test_two_people_of_one_name_in_a_gradescope_export_have_no_mark(tmp_path: Path) -> None:
    people = "submission_{}:\n  :submitters:\n  - :name: Ada\n    :email: {}@example.org\n"
    text = "---\n" + people.format(1, "a") + people.format(2, "b")
    put(tmp_path / "in", {f"submission_{n}/lab.ipynb": b"" for n in (1, 2)})
    put(tmp_path / "in", {"submission_metadata.yml": text.encode()})
    assert taken(tmp_path / "in", tmp_path)["Ada"].unsettled


def test_of_several_attempts_the_last_one_counts(tmp_path: Path) -> None:
    names = [f"L_ada_attempt_2026-03-0{day}-10-00-00_x.ipynb" for day in (1, 3, 2)]
    put(tmp_path / "in", dict.fromkeys([*names, "L_bob_attempt_2026-03-01-10-00-00.ipynb"], b""))
    ada = taken(tmp_path / "in", tmp_path)["ada"]
    assert [file.place for file in ada.files] == [(names[1],)]
    assert ada.submitted == "2026-03-03 10:00:00"


def test_moodle_s_folder_for_text_belongs_to_the_same_student(tmp_path: Path) -> None:
    put(tmp_path / "in", {
        "Eve Roe_55_assignsubmission_file/lab.ipynb": b"",
        "Eve Roe_55_assignsubmission_onlinetext/onlinetext.html": b"<p>see file</p>",
        "Eve Roe_56_assignsubmission_file/lab.ipynb": b"",
    })  # fmt: skip
    found = taken(tmp_path / "in", tmp_path)
    assert list(found) == ["Eve Roe_55", "Eve Roe_56"]
    assert not any(submission.unsettled for submission in found.values())


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["all/a.ipynb", "all/b.ipynb"], ["a", "b"]),
        (["all/a/lab.ipynb", "all/b/lab.ipynb"], ["a", "b"]),
        (["all/x_1_2_lab.ipynb", "all/y_2_3_hw.zip"], ["x_1", "y_2"]),
        (["ada/lab.ipynb"], ["ada"]),
        (["ada/lab.ipynb", "ada/hw.zip"], ["ada"]),
        (["ada/lab.ipynb", "ada/parts/count.py"], ["ada"]),
        (["ada/lab.zip", "ada/readme.txt"], ["ada"]),
    ],
)
def test_a_single_folder_is_a_student_or_holds_the_class(
    tmp_path: Path, names: list[str], students: list[str]
) -> None:
    put(tmp_path / "in", dict.fromkeys(names, b""))
    assert list(taken(tmp_path / "in", tmp_path)) == students


@pytest.mark.parametrize(
    "name",
    ["lab.ipynb.txt", "lab.ipynb.json", "lab.json", "lab.txt", "lab.IPYNB", "lab.ipynb (1)",
     "lab.ipynb.download"],
)  # fmt: skip
def test_a_notebook_is_found_under_the_names_that_browsers_give(tmp_path: Path, name: str) -> None:
    put(tmp_path / "in", {f"a/{name}": as_bytes(solved()), "a/other.json": b"{}", "b/x": b""})
    chosen = choose(taken(tmp_path / "in", tmp_path)["a"], ORIGINAL)
    assert (chosen.name, chosen.notes) == (name, ())


def test_what_was_handed_in_instead_of_a_notebook_is_named(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.7z": b"7z", "a/b.docx": b"", "b/x": b""})
    with pytest.raises(ReadingFailure, match=r"no notebook among the files: b\.docx, lab\.7z"):
        choose(taken(tmp_path / "in", tmp_path)["a"], ORIGINAL)


def test_a_notebook_counts_although_an_archive_beside_it_is_damaged(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved()), "a/x.zip": b"PK", "b/x": b""})
    chosen = choose(taken(tmp_path / "in", tmp_path)["a"], ORIGINAL)
    assert chosen.notes == ("another file is not readable: the archive x.zip is damaged or locked",)


@pytest.mark.parametrize("text", [" " * 400_000, "\n" * 400_000, "_a_1" * 16_000, "a=" * 200_000])
def test_no_pattern_takes_long(text: str) -> None:
    """A pattern that tries every pair of places would not come back for minutes."""
    read_code(f"!x\n{text}\n{text}?x")
    owners({text: Path("x")}, LAB.name)
