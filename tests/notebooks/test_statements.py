"""No sentence that names an engine is unmarked: it claims something, or says that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from studykit.course.layout import Course
from studykit.course.statements import (
    Statement,
    of_code_cells,
    of_definition,
    of_page,
    statements,
)

STATEMENTS = statements(Course.of_clone())


def test_every_statement_is_marked() -> None:
    """Mark what it claims, or say that it claims nothing: see `studykit.course.statements`."""
    assert [
        f"{statement.place}: {statement.sentence}\n  {statement.fault}"
        for statement in STATEMENTS
        if statement.fault
    ] == []


def test_statements_are_found_in_every_kind_of_text() -> None:
    places = {statement.place.partition("/")[0].partition(":")[0] for statement in STATEMENTS}
    assert places == {"StudyDoc.md", "notebooks", "solutions", "studykit"}


# The finder itself

PAGE = """
# Kafka, a heading

1. A window of Flink
2. Redis forgets.

Flink fires. <!-- claim: flink-fires -->
We start a Kafka. <!-- no claim: ours --> Redis
forgets. Does Flink **forget?** It has `x`... and the broker, <!-- claim: kafka-x --> too.
Look into [Flink](https://example.org).

## A window of Flink

| in Flink |
|---|
| Flink drops it |

| in Flink <!-- no claim: ours --> |
|---|
| our Flink |

```sql
-- Flink SQL.
```

- SQL drops it. <!-- no claim: because -->
"""


@pytest.fixture
def found(tmp_path: Path) -> list[Statement]:
    (tmp_path / "page.md").write_text(PAGE)
    return list(of_page(tmp_path / "page.md", tmp_path))


def test_what_no_engine_does_states_nothing(found: list[Statement]) -> None:
    """Headings and their entries in a list, questions, links, code, a table that says so."""
    assert [statement.sentence for statement in found] == [
        "Redis forgets.",
        "Flink fires.",
        "We start a Kafka.",
        "Redis forgets.",
        "It has `x`... and the broker, too.",
        "| Flink drops it |",
        "- SQL drops it.",
    ]


def test_a_sentence_without_a_mark_is_found_where_it_stands(found: list[Statement]) -> None:
    faults = [
        statement.place
        for statement in found
        if statement.fault and "if it claims" in statement.fault
    ]
    assert faults == ["page.md:5", "page.md:8", "page.md:16"]


def test_a_reason_that_is_none_is_found(found: list[Statement]) -> None:
    assert found[-1].fault == "no reason 'because': choose from ours, name, other"


def test_text_of_a_lesson_is_read_and_its_code_is_not(tmp_path: Path) -> None:
    page = tmp_path / "01.py"
    page.write_text('# %% [markdown]\n# Flink\n# fires.\n\n# %%\nTEXT = "SQL drops it."  # Kafka\n')
    assert [(statement.sentence, statement.place) for statement in of_page(page, tmp_path)] == [
        ("Flink fires.", "01.py:2")
    ]
    assert [statement.fault for statement in of_code_cells(page, tmp_path)] == [
        "say it in the text, and mark it there"
    ]


def test_a_definition_has_a_mark_for_each_of_its_statements(tmp_path: Path) -> None:
    path = tmp_path / "e1.py"
    path.write_text(
        '"""Flink: a docstring."""\n'
        'TOLD = (\n    "Flink fires. "  # claim: flink-fires\n    "SQL drops. Why does Flink?"\n)\n'
        'DECLARED = "We use Redis."  # no claim: ours\n'
    )
    told, declared = of_definition(path, tmp_path)
    assert (told.sentence, told.fault is None) == ("Flink fires. SQL drops.", False)
    assert declared.fault is None
