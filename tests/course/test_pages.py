"""What participants and facilitators read agrees with the labs."""

from __future__ import annotations

import re

from studykit.checks.judging import cases_of, judge
from studykit.course.builder.navigation import title
from studykit.course.layout import Course
from studykit.exercises.catalog import find_exercise
from studykit.exercises.definition import Lab

ROW = re.compile(r"\| (L\d\d\.\d+) `(\w+)` \| (\d+) \| .+ \[([\w-]+)\] \| .+[?.] \|")


def minutes_of(lab: Lab, course: Course) -> int:
    source = (course.solutions / "src" / f"{lab.name}.py").read_text("utf-8")
    found = re.search(r"^# About (\d+) minutes\.", source, re.MULTILINE)
    assert found
    return int(found[1])


def test_facilitators_find_every_exercise_with_its_minutes(course: Course, lab: Lab) -> None:
    rows = ROW.findall((course.labs / "FACILITATORS.md").read_text("utf-8"))
    mine = [row for row in rows if row[0].startswith(f"L{lab.number}.")]
    assert [row[:3] for row in mine] == [
        (exercise.id, exercise.name, str(exercise.minutes)) for exercise in lab.exercises
    ]
    for row, exercise in zip(mine, lab.exercises, strict=True):
        assert row[3] in {misconception.name for misconception in exercise.misconceptions}


def test_the_minutes_of_a_lab_are_those_of_its_exercises(course: Course, lab: Lab) -> None:
    total = sum(exercise.minutes for exercise in lab.exercises)
    assert abs(minutes_of(lab, course) - total) <= 5


def test_participants_find_every_lab_with_its_minutes(course: Course, lab: Lab) -> None:
    text = (course.labs / "README.md").read_text("utf-8")
    row = rf"\| \[{lab.number} .+\]\({lab.name}\.ipynb\) \| .+ \| {minutes_of(lab, course)} \|"
    assert re.search(row, text)
    assert title(course.solutions / "src" / f"{lab.name}.py").startswith(f"Lab {lab.number}: ")


def test_the_message_on_the_page_is_what_a_check_says(course: Course) -> None:
    _, exercise = find_exercise("L05.1")
    cases = cases_of(exercise)
    wrong = exercise.misconceptions[0].answer
    verdict = judge(exercise, cases, [{"value": wrong(*args)} for args in cases])
    shown = verdict.text.partition("\n\nA question")[0]
    assert shown in (course.labs / "README.md").read_text("utf-8")
