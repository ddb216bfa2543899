"""`from studykit import …`: one import line has all that a lesson needs, and loads only that."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import studykit

ROOT = Path(studykit.__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks" / "src").glob("*.py"))
BEHIND = ("studykit.drawing", "studykit.figures", "studykit.trace", "studykit.widgets")
SLOW = "('IPython', 'ipywidgets', 'kafka', 'matplotlib', 'numpy', 'pandas', 'pyflink', 'redis')"


def imports(tree: ast.AST) -> dict[str, str]:
    """Return the imported names below `tree`, each with its module."""
    return {
        name.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


def test_type_checkers_and_learners_are_shown_the_same_names() -> None:
    module = ast.parse(Path(studykit.__file__).read_text("utf-8"))
    typed = next(node for node in module.body if isinstance(node, ast.If))
    assert imports(typed) == studykit._HOME_OF
    assert sorted(studykit._HOME_OF) == sorted(studykit.__all__)


@pytest.mark.parametrize("name", studykit.__all__)
def test_each_name_is_behind_the_door(name: str) -> None:
    found = getattr(studykit, name)
    home = studykit._HOME_OF[name]
    assert found is getattr(sys.modules[home], name)
    assert name in dir(studykit)


def test_a_name_that_the_door_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'watermelon'"):
        _ = studykit.watermelon  # type: ignore[attr-defined]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lessons_come_in_by_the_front_door(lesson: Path) -> None:
    homes = imports(ast.parse(lesson.read_text("utf-8"))).values()
    assert not [home for home in homes if home.startswith(BEHIND)]


def test_a_name_without_a_picture_loads_no_library_of_pictures() -> None:
    code = (
        "import sys\n"
        "import studykit\n"
        "assert not [name for name in sys.modules if name[:9] in ('studykit.', 'flink_job')]\n"
        "from studykit import STORY, STORY_POLICY, compare, parse, simulate, step_sentence\n"
        f"print([name for name in {SLOW} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
