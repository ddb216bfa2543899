"""The marbles' script in a real browser, with the real engine behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from studykit import widgets
from studykit.trace.stories import STORY, STORY_POLICY
from studykit.widgets import Marbles

SCRIPT = Path(widgets.__file__).with_name("marbles.js")

pytestmark = pytest.mark.browser

HARNESS = """
async ([script, state]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const listeners = [];
  const model = {
    get: (name) => state[name],
    set: (name, value) => (state[name] = value),
    on: (name, listener) => listeners.push(listener),
    off: () => {},
    save_changes: async () => {
      state.scene = await window.run(state.marbles);
      listeners.forEach((listener) => listener());
    },
  };
  document.body.replaceChildren();
  (await import(url)).default.render({ model, el: document.body });
}
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Any]:
    widget = Marbles(STORY, STORY_POLICY)

    def run(marbles: list[dict[str, Any]]) -> dict[str, Any]:
        widget.marbles = marbles
        return dict(widget.scene)

    page = browser.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.expose_function("run", run)
    page.evaluate(HARNESS, [SCRIPT.read_text(), {"marbles": widget.marbles, "scene": widget.scene}])
    yield page
    page.close()
    assert not failures


def marble(page: Any, label: str) -> Any:
    return page.get_by_role("button", name=label)


def test_every_marble_has_a_name_that_says_its_verdict(page: Any) -> None:
    assert page.get_by_role("button").count() == len(STORY)
    assert marble(page, "happened at 6 s, arrives at 23 s: dropped").count() == 1
    assert marble(page, "happened at 3 s, arrives at 11 s: on time, behind").count() == 1


def test_arrow_keys_move_a_marble_and_keep_it(page: Any) -> None:
    last = marble(page, "happened at 6 s, arrives at 23 s: dropped")
    last.focus()
    for arrival in range(22, 13, -1):
        page.keyboard.press("ArrowDown")
        page.get_by_role("button", name=f"happened at 6 s, arrives at {arrival} s").wait_for()
    assert marble(page, "happened at 6 s, arrives at 14 s: on time").count() == 1
    assert "fired 23" in page.get_by_role("status").inner_text()
    assert "arrives at 14 s" in page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_drag_moves_a_marble_to_whole_seconds(page: Any) -> None:
    box = marble(page, "happened at 6 s, arrives at 23 s: dropped").locator("path").bounding_box()
    second = (560 - 2 * 46) / 26
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2 * second, y + 6.2 * second, steps=5)
    page.mouse.up()
    marble(page, "happened at 8 s, arrives at 17 s: corrected").wait_for()


def test_nothing_arrives_before_it_happens(page: Any) -> None:
    first = marble(page, "happened at 2 s, arrives at 3 s")
    first.focus()
    page.keyboard.press("ArrowDown")
    marble(page, "happened at 2 s, arrives at 2 s").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    marble(page, "happened at 3 s, arrives at 3 s").wait_for()


def test_line_of_text_is_the_same_stream(page: Any) -> None:
    came, went = page.locator("pre").inner_text().splitlines()
    assert came.replace(" ", "").startswith("in---a2=5---b5=9---a8=3")
    assert went.replace(" ", "") == "out---------------[0,10)=21--[0,10)=22------x6"
    assert came.index("a14=8") == went.index("[0,10)=21")  # what happens together stands together
