"""Identity: names of course systems, safe file names, names that look alike."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.grading.intake.identity import LONGEST, alike, file_name, tidy, who
from tests.support.submissions import LAB


@pytest.mark.parametrize(
    ("place", "student", "submitted"),
    [
        ("Ada Lovelace_1234_assignsubmission_file_/lab01.ipynb", "Ada Lovelace_1234", None),
        ("Ada Lovelace_1234_assignsubmission_file_lab.ipynb", "Ada Lovelace_1234", None),
        ("lovelaceada_98_7654_lab01_clocks.ipynb", "lovelaceada_98", None),
        ("lovelaceada_LATE_98_7654_lab01_clocks.ipynb", "lovelaceada_98", None),
        (
            "Lab 1_alove_attempt_2026-03-01-10-11-12_lab01.ipynb",
            "alove",
            "2026-03-01T10:11:12+00:00",
        ),
        ("submission_123/lab01.ipynb", "submission_123", None),
        ("ps1_ada_attempt_2026-03-01-10-11-12_lab01.ipynb", "ada", "2026-03-01T10:11:12+00:00"),
        ("ada/lab01/lab01.ipynb", "ada", None),
        ("ada.ipynb", "ada", None),
        ("lab01_ada.ipynb", "ada", None),
        ("ada-lab01_clocks.ipynb", "ada", None),
        ("lab01_clocks.ipynb", "lab01_clocks", None),
    ],
)
def test_names_of_course_systems(place: str, student: str, submitted: str | None) -> None:
    found = who(PurePosixPath(place), LAB.name)
    assert (found.student, found.submitted) == (student, submitted)


@given(st.text(min_size=1))
def test_any_name_becomes_one_that_can_be_shown_and_a_safe_file(name: str) -> None:
    shown = tidy(name)
    assert shown.isprintable()
    assert 0 < len(shown) <= LONGEST + 9
    assert set(file_name(name)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
    )
    assert len(file_name(name)) < 64


def test_names_that_only_look_different_are_alike() -> None:
    assert alike("Ada  Lovelace") == alike("ada_lovelace") == alike("\uff41da lovelace")
