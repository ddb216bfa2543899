"""Each concept is taught in one lesson, its trap is shown, and the study guide says where."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from studykit.course.concepts import CONCEPTS, HOMES, taught, traps, with_concepts
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


def test_each_concept_is_taught_at_home() -> None:
    assert {lesson: set(numbers) for lesson, numbers in TAUGHT.items() if numbers} == {
        lesson: set(numbers) for lesson, numbers in HOMES.items()
    }


def test_the_page_of_symptoms_has_the_trap_of_each_concept_and_leads_to_its_lesson() -> None:
    home_of = {number: lesson for lesson, numbers in HOMES.items() for number in numbers}
    shown = {number for number, lessons in traps(GUIDE) if home_of[number] in lessons}
    assert [CONCEPTS[number] for number in CONCEPTS.keys() - shown] == []
