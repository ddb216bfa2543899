"""Intake: exports, archives and lists become one folder of files for each student."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.grading.example.maker import as_bytes
from studykit.grading.intake.submissions import take_in
from tests.support.submissions import LAB, put, solved

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
    assert [(one.student, one.submitted) for one in found] == [
        ("Ada Lovelace_1234", "2026-03-01T10:11:12+00:00"),
        ("Cem_7", "2026-03-02T00:00:00+00:00"),
        ("O'Neil, Bob", "2026-03-02T00:00:00+00:00"),
        ("submission_13", None),
    ]
    assert {len(one.files) for one in found} == {1}


def test_repositories_of_github_classroom_are_named_by_their_owners(tmp_path: Path) -> None:
    names = ("two-clocks-ada", "two-clocks-bob-b", "other")
    files = {f"{name}/labs/my_lab01.ipynb": b"" for name in names}
    put(tmp_path / "two-clocks-submissions", files)
    put(tmp_path / "two-clocks-submissions", {"two-clocks-ada/.git/config": b""})
    found = take_in(tmp_path / "two-clocks-submissions", LAB.name, tmp_path / "spool")
    assert [one.student for one in found] == ["ada", "bob-b", "other"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_with_one_folder_around_all_is_as_the_folder(tmp_path: Path, kind: str) -> None:
    put(tmp_path / "in", {f"all/{name}/lab.ipynb": as_bytes(solved()) for name in ("a", "b")})
    path = tmp_path / f"class.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for one in sorted((tmp_path / "in").rglob("*.ipynb")):
                archive.write(one, one.relative_to(tmp_path / "in"))
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tmp_path / "in" / "all", "all")
    found = take_in(path, LAB.name, tmp_path / "spool")
    assert [(one.student, len(one.files)) for one in found] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize(("columns", "said"), [("student", "path"), ("path", "student")])
def test_a_list_without_a_column_is_one_sentence(tmp_path: Path, columns: str, said: str) -> None:
    (tmp_path / "list.csv").write_text(f"{columns}\nx\n", "utf-8")
    with pytest.raises(StudyError, match=f"no column '{said}'"):
        take_in(tmp_path / "list.csv", LAB.name, tmp_path / "spool")
