"""The builder, on small courses of its own."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest

from studykit.checks.hole import fill
from studykit.course.builder.build import Product, build, products
from studykit.course.builder.cells import dump, load, read_cells, with_ids, without_outputs
from studykit.course.builder.holes import WIDTH, dig, hollow, leaks, typed
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.exercises.definition import Exercise, Misconception

LESSON = """\
# %% [markdown]
# # {title}
#
# Text.

# %% tags=["setup"]
value = 20 + 1

# %% [markdown]
# ## More

# %%
print(value * 2)
"""

EXERCISE = Exercise(
    id="L99.1",
    name="double",
    kind="faded",
    minutes=1,
    task="Double a number.",
    reference=lambda number: 2 * number,
    cases=((1,),),
    trace=lambda args, got, expected: "",
    rule="",
    next_step="",
    hints=('What is "twice"?', "b?", "c?"),
    discussion="",
    misconceptions=(Misconception(name="x", answer=lambda n: n, rule="", next_step=""),),
)

HOLE = '''\
def double(number: int) -> int:
    """Return twice the number."""
    # BEGIN SOLUTION
    twice = number * 2
    # END SOLUTION
    return twice'''


@pytest.fixture
def small(tmp_path: Path) -> Course:
    """Return a course of two lessons."""
    sources = tmp_path / "notebooks" / "src"
    sources.mkdir(parents=True)
    (tmp_path / "solutions" / "src").mkdir(parents=True)
    (sources / "01_first.py").write_text(LESSON.format(title="First"))
    (sources / "02_second.py").write_text(LESSON.format(title="Second"))
    return Course(tmp_path)


def only(course: Course, name: str) -> Product:
    (product,) = products(course, name)
    return product


def test_a_hole_keeps_its_indent_and_what_stands_around_it() -> None:
    assert dig(HOLE, EXERCISE).splitlines()[2:] == [
        '    raise lab.NotDone("L99.1 double: What is \\"twice\\"?")',
        "    return twice",
    ]


def test_a_long_hole_is_wrapped_and_says_the_same() -> None:
    long = dataclasses.replace(EXERCISE, hints=(f"Is {'this ' * 30}long?", "b?", "c?"))
    lines = dig(HOLE, long).splitlines()[2:-1]
    assert max(map(len, lines)) <= WIDTH
    assert ast.literal_eval("".join(lines[1:-1])) == f"L99.1 double: Is {'this ' * 30}long?"


def test_a_filled_hole_has_no_markers() -> None:
    assert fill(HOLE).splitlines()[2:] == ["    twice = number * 2", "    return twice"]


@pytest.mark.parametrize(
    "source",
    [
        HOLE.replace("    # END SOLUTION\n", ""),
        HOLE.replace("    # BEGIN SOLUTION\n", ""),
        HOLE.replace("    # BEGIN SOLUTION\n", "    # BEGIN SOLUTION\n" * 2),
        "def double(number): ...",
    ],
)
def test_a_marker_without_partner_is_refused(source: str) -> None:
    with pytest.raises(StudyError, match=r"L99\.1 double: put the answer between"):
        dig(source, EXERCISE)


TYPED = HOLE.replace("BEGIN SOLUTION", "BEGIN SOLUTION twice it") + "\n"


def test_a_cell_to_type_says_what_is_asked_for_and_how_long_it_is() -> None:
    assert hollow(TYPED).splitlines()[2:] == [
        '    raise typed.NotDone("twice it (1 line)")',
        "    return twice",
    ]
    assert typed(TYPED) == fill(HOLE)


def test_a_lesson_has_the_lines_of_a_cell_to_type_folded_below_it(small: Course) -> None:
    source = small.lesson_sources()[0]
    source.write_text(f'{LESSON.format(title="First")}\n\n# %% tags=["engine"]\n{TYPED}')
    hole, answer = only(small, "01").notebook["cells"][-3:-1]
    assert hole["source"] == hollow(TYPED)
    assert f"```python\n{fill(HOLE)}\n```" in answer["source"]
    assert answer["source"].startswith("<details>")


def test_a_line_of_an_answer_is_a_leak_from_twelve_characters_on() -> None:
    assert leaks(HOLE, "so it is twice = number * 2, easy") == ["twice = number * 2"]
    assert leaks(HOLE.replace("twice = number * 2", "x = n * 2"), "x = n * 2") == []


def test_an_unknown_tag_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "01_x.py"
    path.write_text('# %% tags=["figur"]\n1\n')
    with pytest.raises(StudyError, match="no tag 'figur': choose from"):
        read_cells(path)


def test_ids_survive_a_new_cell_in_front(small: Course) -> None:
    path = small.lesson_sources()[0]
    before = with_ids(read_cells(path))
    path.write_text("# %% [markdown]\n# # New\n\n" + path.read_text())
    after = with_ids(read_cells(path))
    assert [cell.id for cell in before] == [cell.id for cell in after[1:]]


def test_equal_cells_have_different_ids(tmp_path: Path) -> None:
    path = tmp_path / "01_x.py"
    path.write_text("# %%\n1\n\n# %%\n1\n")
    assert len({cell.id for cell in with_ids(read_cells(path))}) == 2


def test_the_bar_leads_to_the_neighbours(small: Course) -> None:
    first, second = (only(small, name).notebook["cells"] for name in ("01", "02"))
    assert first[0]["source"] == "[Contents](../StudyDoc.md) | [→ Second](02_second.ipynb)"
    assert second[0]["source"] == "[← First](01_first.ipynb) | [Contents](../StudyDoc.md)"
    assert first[0]["source"] == first[-1]["source"]


def test_a_source_without_title_is_refused(small: Course) -> None:
    small.lesson_sources()[0].write_text("# %%\n1\n")
    with pytest.raises(StudyError, match=r"01_first\.py has no title"):
        only(small, "02")


def test_a_name_without_source_is_refused(small: Course) -> None:
    with pytest.raises(StudyError, match="no source begins with '07'"):
        list(products(small, "07"))


def test_a_lesson_is_run_once_and_again_only_when_its_code_changes(small: Course) -> None:
    assert build(only(small, "01")) == "executed"
    assert build(only(small, "01")) == "unchanged"
    source = small.lesson_sources()[0]
    source.write_text(source.read_text().replace("Text.", "Other text."))
    assert build(only(small, "01")) == "written"
    notebook = load(small.notebooks / "01_first.ipynb")
    assert [cell["outputs"][0]["text"] for cell in notebook["cells"] if cell.get("outputs")] == [
        "42\n"
    ]
    assert "widgets" not in notebook["metadata"]
    source.write_text(source.read_text().replace("* 2", "* 3"))
    assert build(only(small, "01")) == "executed"


def test_a_lesson_that_fails_is_not_written(small: Course) -> None:
    source = small.lesson_sources()[0]
    source.write_text(source.read_text().replace("20 + 1", "20 / 0"))
    with pytest.raises(StudyError, match=r"01_first.ipynb does not run(.|\n)*ZeroDivisionError"):
        build(only(small, "01"))
    assert not (small.notebooks / "01_first.ipynb").exists()


def test_outputs_are_all_that_running_changes(small: Course) -> None:
    product = only(small, "01")
    build(product)
    assert dump(without_outputs(load(product.path))) == product.text


def test_a_lab_with_work_in_it_is_put_aside(small: Course) -> None:
    notebook = only(small, "01").notebook
    product = Product(small.root / "lab01_x.ipynb", notebook, has_outputs=False)
    assert build(product) == "written"
    worked = load(product.path)
    worked["cells"][2]["source"] = "my = 'work'"
    product.path.write_text(dump(worked))
    assert build(product) == "written"
    (backup,) = small.root.glob("my_lab01_x.backup-1.ipynb")
    assert load(backup)["cells"][2]["source"] == "my = 'work'"
    assert product.is_current()
