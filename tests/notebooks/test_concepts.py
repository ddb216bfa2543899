"""Each concept is taught in one lesson or said to be missing, and the study guide says which."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from studykit.course.concepts import CONCEPTS, HOMES, taught, with_concepts
from studykit.course.layout import Course

COURSE = Course(Path(__file__).resolve().parents[2])
GUIDE = (COURSE.root / "StudyDoc.md").read_text("utf-8")
TAUGHT = taught(COURSE)


def test_there_are_91_concepts_and_each_has_one_home() -> None:
    homes = Counter(number for numbers in HOMES.values() for number in numbers)
    assert len(set(CONCEPTS.values())) == len(CONCEPTS) == 91
    assert homes == Counter(CONCEPTS.keys())


def test_no_concept_is_taught_twice_or_away_from_home() -> None:
    assert {lesson for lesson, numbers in TAUGHT.items() if not numbers} <= {"12"}
    for lesson, numbers in TAUGHT.items():
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(HOMES.get(lesson, ()))


def test_the_guide_has_the_table_that_the_lessons_make() -> None:
    assert with_concepts(GUIDE, COURSE) == GUIDE


def test_what_is_not_taught_is_said_to_be_missing() -> None:
    missing = CONCEPTS.keys() - {number for numbers in TAUGHT.values() for number in numbers}
    later = " ".join(
        row.partition("*not yet:*")[2] for row in GUIDE.splitlines() if "not yet" in row
    )
    assert [CONCEPTS[number] for number in missing if CONCEPTS[number] not in later] == []
