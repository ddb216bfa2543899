"""The picture of the house is the one that the imports draw."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

CLONE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    place = CLONE / "scripts" / "draw_architecture.py"
    spec = importlib.util.spec_from_file_location("draw_architecture", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_committed_is_what_the_imports_draw(script: ModuleType) -> None:
    drawn = script.draw()
    assert script.PICTURE.read_text("utf-8") == drawn, "run scripts/draw_architecture.py"


def test_every_room_is_in_the_picture(script: ModuleType) -> None:
    drawn = {room for package in script.PACKAGES for row in script.layers(package) for room in row}
    assert {room for room in script.imports() if not room.endswith(".__init__")} <= drawn


def test_an_arrow_that_follows_from_others_is_left_out(script: ModuleType) -> None:
    graph = {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()}
    assert script.reduced(graph) == {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset()}
