"""Course systems: an export is recognised as a whole, and nobody writes another's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.grading.intake.systems import owners
from tests.support.grading.submissions import LAB

FOLDER = None
FILE = Path("a file")


def names(*tops: str, folder: bool = False, system: str | None = None) -> dict[str, str]:
    kind = FOLDER if folder else FILE
    found = owners(dict.fromkeys(tops, kind), LAB.name, system)
    return {top: owner.name for top, owner in found.items()}


@pytest.mark.parametrize(
    ("top", "student", "submitted"),
    [
        ("Ada Lovelace_1234_assignsubmission_file_/", "Ada Lovelace_1234", None),
        ("Ada Lovelace_1234_assignsubmission_file/", "Ada Lovelace_1234", None),
        ("Ada Lovelace_1234_assignsubmission_onlinetext/", "Ada Lovelace_1234", None),
        ("Ada Lovelace_1234_assignsubmission_file_lab.ipynb", "Ada Lovelace_1234", None),
        ("Bob_M\xfcller-L\xfcd_77_assignsubmission_file_/", "Bob_M\xfcller-L\xfcd_77", None),
        ("A_1_assignsubmission_file_B_2_assignsubmission_file_x.ipynb", "A_1", None),
        ("lovelaceada_98_7654_lab01_clocks.ipynb", "lovelaceada_98", None),
        ("lovelaceada_LATE_98_7654_lab01.ipynb", "lovelaceada_98", "late, says Canvas"),
        ("Lab 1_alove_attempt_2026-03-01-10-11-12_lab01.ipynb", "alove", "2026-03-01 10:11:12"),
        ("ps1_ada_attempt_2026-03-01-10-11-12.txt", "ada", "2026-03-01 10:11:12"),
        ("submission_123/", "submission_123", None),
        ("ada/", "ada", None),
        ("ada.ipynb", "ada", None),
        ("ada.ipynb.txt", "ada", None),
        ("lab01_ada.ipynb", "ada", None),
        ("ada-lab01_clocks.ipynb", "ada", None),
        ("lab01_clocks.ipynb", "lab01_clocks", None),
    ],
)
def test_names_of_course_systems(top: str, student: str, submitted: str | None) -> None:
    kind = FOLDER if top.endswith("/") else FILE
    (owner,) = owners({top.rstrip("/"): kind}, LAB.name).values()
    assert owner.name == student
    assert (owner.submitted or "")[: len(submitted or "")] == (submitted or "")


def test_a_file_name_like_another_system_s_takes_nobody_s_place() -> None:
    """What stands behind the student's part is for the student to choose."""
    forged = "mallory_7_70_Lab 1_ada_attempt_2026-03-01-10-11-12_x.ipynb"
    honest = "ada_1_10_lab01.ipynb"
    assert names(forged, honest) == {forged: "mallory_7", honest: "ada_1"}
    forged = "L_mal_attempt_2026-03-01-10-11-12_L_ada_attempt_2026-03-01-10-11-13_x.ipynb"
    honest = "L_ada_attempt_2026-03-01-10-11-12_x.ipynb"
    assert names(forged, honest) == {forged: "mal", honest: "ada"}
    assert names("ada_1_10_x", "bob", folder=True) == {"ada_1_10_x": "ada_1_10_x", "bob": "bob"}


def test_users_of_blackboard_with_underscores_stay_apart() -> None:
    when = "attempt_2026-03-01-10-11-12_x.ipynb"
    found = names(f"Lab_1_ada_l_{when}", f"Lab_1_bob_l_{when}", f"Lab_1_bob_{when}")
    assert list(found.values()) == ["ada_l", "bob_l", "bob"]


def test_names_that_fit_two_systems_are_asked_about() -> None:
    both = "a_1_2_b_attempt_2026-03-01-10-11-12_x.ipynb"
    with pytest.raises(StudyError, match="canvas and blackboard: say which by --system"):
        names(both)
    assert names(both, system="canvas") == {both: "a_1"}
    assert names(both, system="plain") == {both: "a_1_2_b_attempt_2026-03-01-10-11-12_x"}


def test_a_stranger_in_an_export_is_noted() -> None:
    export = dict.fromkeys(["a_1_2_x.ipynb", "b_2_3_x.ipynb", "notes.ipynb"], FILE)
    found = owners(export, LAB.name)
    assert found["notes.ipynb"].note == "its name is not of the form that canvas gives"
    assert not found["a_1_2_x.ipynb"].note
    assert not any(owner.note for owner in owners({"a": FOLDER, "b.ipynb": FILE}, "lab01").values())


def test_a_receipt_of_blackboard_says_user_and_zone(tmp_path: Path) -> None:
    stem = "Lab 1_ada_l_attempt_2026-03-01-23-30-00"
    receipt = tmp_path / f"{stem}.txt"
    receipt.write_text(
        "Name: Ada (ada_l)\nAssignment: Lab 1\n"
        "Date Submitted: Sunday, 1 March 2026 23:30:00 o'clock CET\nDate Submitted: x UTC\n",
        "utf-8",
    )
    found = owners({receipt.name: receipt, f"{stem}_lab.ipynb": FILE}, LAB.name)
    assert {(owner.name, owner.submitted) for owner in found.values()} == {
        ("ada_l", "2026-03-01 23:30:00 CET")
    }
