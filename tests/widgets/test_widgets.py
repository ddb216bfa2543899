"""Widgets without a browser: set a value, and look at what is shown."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from studykit import widgets
from studykit.drawing import style
from studykit.drawing.film import filmstrip
from studykit.figures.clocks import two_clocks, watermark_stepper
from studykit.figures.operators import keyed_state
from studykit.figures.windows import assigners
from studykit.trace.simulate import Policy, simulate
from studykit.trace.stories import SILENT_PARTITION, STORY, STORY_POLICY
from studykit.trace.words import state_sentence
from studykit.widgets import Explorer, Marbles, Predict, Stepper
from studykit.widgets.explorer import _LIMITS
from studykit.widgets.query_run import QueryRun

TRACE = simulate(STORY, STORY_POLICY)
LAST = len(TRACE.steps)
WIDGET = "application/vnd.jupyter.widget-view+json"


def shown(stepper: Stepper) -> bytes:
    found = re.search(r"base64,([^\"]+)", stepper.image.value)
    assert found
    return b64decode(found[1])


def button(stepper: Stepper, name: str) -> Any:
    return next(b for b in stepper.children[0].children if b.description == name)


def assert_is_a_picture_with_words(bundle: dict[str, Any]) -> None:
    found = re.fullmatch(
        r'<img alt="([^"]+)" [^>]*src="data:image/png;base64,([^"]+)"><p>(.+)</p>',
        bundle["text/html"],
    )
    assert found
    assert found[1] == found[3] == bundle["text/plain"]
    assert b64decode(found[2]).startswith(b"\x89PNG")


# --- stepper -------------------------------------------------------------------------------------


def test_frame_k_is_the_figure_at_k() -> None:
    stepper = Stepper(TRACE, watermark_stepper)
    for step in (0, 1, 7, LAST):
        stepper.step = step
        assert shown(stepper) == style.png(watermark_stepper.draw(TRACE, step))
        assert watermark_stepper.describe(TRACE, step) in stepper.sentence.value


def test_buttons_walk_and_stop_at_both_ends() -> None:
    stepper = Stepper(TRACE, two_clocks)
    walk = []
    for name in ("previous", "next", "next", "last", "next", "previous", "first"):
        button(stepper, name).click()
        walk.append(stepper.step)
    assert walk == [0, 1, 2, LAST, LAST, LAST - 1, 0]


def test_nothing_plays_by_itself() -> None:
    stepper = Stepper(TRACE, two_clocks)
    assert not stepper.play.playing
    assert stepper.play.interval == 700


def test_sentence_is_read_aloud_and_the_picture_has_words() -> None:
    stepper = Stepper(TRACE, watermark_stepper, step=LAST)
    sentence = state_sentence(TRACE, LAST)
    assert 'role="status" aria-live="polite"' in stepper.sentence.value
    assert f'<img alt="{sentence}"' in stepper.image.value


def test_table_is_shown_on_demand_with_headings() -> None:
    stepper = Stepper(TRACE, watermark_stepper, step=LAST)
    assert stepper.rows.value == ""
    stepper.as_table.value = True
    assert stepper.rows.value.count('<th scope="col">') == 7
    assert stepper.rows.value.count("<tr>") == 11
    stepper.step = 0
    assert "nothing yet" in stepper.rows.value


def test_figure_options_go_through() -> None:
    keyed = simulate(STORY, replace(STORY_POLICY, keyed=True))
    stepper = Stepper(keyed, keyed_state, step=1, parallelism=4)
    assert keyed_state.describe(keyed, 1, parallelism=4) in stepper.sentence.value


def test_option_that_a_reader_may_choose_has_a_control() -> None:
    keyed = simulate(STORY, replace(STORY_POLICY, keyed=True))
    stepper = Stepper(keyed, keyed_state, step=1)
    assert keyed_state.describe(keyed, 1, parallelism=2) in stepper.sentence.value
    for parallelism in (1, 3, 4):
        stepper.choices["parallelism"].value = parallelism
        expected = style.png(keyed_state.draw(keyed, 1, parallelism=parallelism))
        assert shown(stepper) == expected
        assert keyed_state.describe(keyed, 1, parallelism=parallelism) in stepper.sentence.value
    assert Stepper(TRACE, watermark_stepper).choices == {}


def test_without_a_kernel_a_picture_and_a_sentence_remain() -> None:
    bundle = Stepper(TRACE, watermark_stepper)._repr_mimebundle_()
    assert bundle["text/plain"] == state_sentence(TRACE, LAST)
    assert_is_a_picture_with_words(bundle)
    assert WIDGET in bundle
    assert len(json.dumps(bundle)) < 160_000


def test_film_keeps_the_colours_that_mark_late_events() -> None:
    film = filmstrip([style.png(watermark_stepper.draw(TRACE, LAST))])
    colours = {colour for _, colour in Image.open(BytesIO(film)).convert("RGB").getcolors(1_000)}
    for colour in (style.VERMILLION, style.BLUE, style.GREEN, style.BLACK, "white"):
        assert style.mixed(colour, white=0) in colours


def test_stills_can_be_chosen() -> None:
    stepper = Stepper(TRACE, watermark_stepper, stills=[7])
    png, sentence = stepper.film()
    assert png == filmstrip([style.png(watermark_stepper.draw(TRACE, 7))])
    assert sentence == state_sentence(TRACE, 7)


def test_nothing_asks_the_network() -> None:
    source = Path(widgets.__file__).parent
    files = [*source.glob("*.py"), *source.glob("*.js")]
    assert len(files) > 2
    for file in files:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|import\(|fetch\(", text), file


# --- explorer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("knob", list(_LIMITS))
@pytest.mark.parametrize("end", [0, 1])
def test_every_slider_works_at_both_ends(knob: Any, end: int) -> None:
    policy = Policy(bound_ms=4_000, lateness_ms=3_000, gap_ms=4_000 if knob == "gap" else None)
    explorer = Explorer(SILENT_PARTITION, watermark_stepper, policy, knobs=[knob])
    explorer.sliders[knob].value = _LIMITS[knob][end]
    if explorer.problem.value:
        assert 'role="alert"' in explorer.problem.value
        assert "slide_ms=20000 does not divide size_ms=10000: choose" in explorer.problem.value
    else:
        expected = simulate(SILENT_PARTITION, explorer.policy)
        assert explorer.stepper.trace == expected
        assert state_sentence(expected, len(expected.steps)) in explorer.stepper.sentence.value


def test_all_sliders_together_at_each_end() -> None:
    for end in (0, 1):
        explorer = Explorer(STORY, assigners, knobs=["size", "slide", "gap", "bound", "lateness"])
        for knob, slider in explorer.sliders.items():
            slider.value = _LIMITS[knob][end]
        assert explorer.problem.value == ""


def test_bound_of_10_s_drops_nothing_and_fires_nothing() -> None:
    explorer = Explorer(STORY, watermark_stepper, STORY_POLICY)
    explorer.sliders["bound"].value = 10
    assert explorer.stepper.trace.counts()["dropped"] == 0
    assert explorer.stepper.trace.results() == {}


def test_turning_a_knob_keeps_the_moment() -> None:
    explorer = Explorer(STORY, watermark_stepper, STORY_POLICY)
    explorer.stepper.step = TRACE.step_at(15_000)
    explorer.sliders["bound"].value = 10
    stepper = explorer.stepper
    assert stepper.trace.steps[stepper.step - 1].now_ms == 15_000
    assert stepper.step == stepper.trace.step_at(15_000)


def test_knobs_that_do_not_go_together_are_explained_and_change_nothing() -> None:
    explorer = Explorer(STORY, watermark_stepper, knobs=["size", "slide"])
    before = explorer.stepper.trace
    explorer.sliders["slide"].value = 3
    assert "choose a slide that fits" in explorer.problem.value
    assert explorer.stepper.trace == before
    explorer.sliders["slide"].value = 5
    assert explorer.problem.value == ""


# --- predict -------------------------------------------------------------------------------------


def ask(tmp_path: Path, **options: Any) -> Predict:
    return Predict(
        "Is event 4 on time?", ["on time", "late"], "on time", "Its window is open.",
        keep_in=tmp_path / "p.jsonl", **options,
    )  # fmt: skip


def test_answer_is_kept_before_the_truth_is_shown(tmp_path: Path) -> None:
    reveal = Stepper(TRACE, two_clocks)
    asked = ask(tmp_path, reveal=reveal)
    assert asked.button.disabled
    assert reveal not in asked.children
    asked.choices.value = "late"
    assert not asked.button.disabled
    assert "on time" not in asked.verdict.value
    asked.button.click()
    kept = json.loads((tmp_path / "p.jsonl").read_text())
    assert kept == {"question": "Is event 4 on time?", "given": "late", "right": False}
    assert "You said late; it is on time. Its window is open." in asked.verdict.value
    assert reveal in asked.children


def test_answer_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    asked = ask(tmp_path)
    asked.choices.value = "on time"
    asked.button.click()
    assert "Yes." in asked.verdict.value
    assert asked.button.disabled
    assert asked.choices.disabled


def test_answer_that_cannot_be_kept_does_not_stop_the_lesson(tmp_path: Path) -> None:
    asked = ask(tmp_path)
    asked._keep_in = tmp_path  # a folder
    asked.choices.value = "on time"
    asked.button.click()
    assert "Yes." in asked.verdict.value
    assert "was not kept (Is a directory)" in asked.verdict.value


def test_question_without_its_answer_among_the_choices_is_refused() -> None:
    with pytest.raises(ValueError, match="'maybe' is not a choice"):
        Predict("?", ["yes", "no"], "maybe")


def test_question_remains_without_a_kernel(tmp_path: Path) -> None:
    text = ask(tmp_path)._repr_mimebundle_()["text/plain"]
    assert text == "Predict. Is event 4 on time? (on time / late)"


# --- marbles -------------------------------------------------------------------------------------


def moved(widget: Marbles, number: int, **place: int) -> None:
    """Do what the browser does when a marble is dragged."""
    marbles = [dict(marble) for marble in widget.marbles]
    marbles[number] |= place
    widget.marbles = marbles


def test_scene_says_what_the_trace_says() -> None:
    widget = Marbles(STORY, STORY_POLICY)
    assert widget.trace == TRACE
    assert widget.scene["sentence"] == state_sentence(TRACE, LAST)
    came, went = widget.scene["in"], widget.scene["out"]
    assert went.replace(" ", "") == "---------------[0,10)=21--[0,10)=22------x6"
    assert came.index("a14=8") == went.index("[0,10)=21")  # what happens together stands together
    assert [mark["verdict"] for mark in widget.scene["marks"]].count("dropped") == 1


def test_dragging_a_marble_runs_the_engine_again() -> None:
    widget = Marbles(STORY, STORY_POLICY)
    moved(widget, 9, arrival=17)
    assert widget.scene["marks"][9]["verdict"] == "corrected"
    moved(widget, 9, arrival=14)
    assert widget.scene["marks"][9]["verdict"] == "on time"
    assert "fired 23" in widget.scene["sentence"]


def test_marbles_keep_their_numbers_when_they_pass_each_other() -> None:
    widget = Marbles("-a1--b2", STORY_POLICY)
    moved(widget, 0, arrival=20)
    assert widget.scene["marks"][0]["label"].startswith("#1, key a")
    assert widget.scene["in"].replace(" ", "") == "---b2-----------------a1"


def test_every_place_that_can_be_reached_works() -> None:
    widget = Marbles("-a1--b2", STORY_POLICY)
    for event, arrival in ((0, 0), (0, 26), (26, 26)):
        moved(widget, 0, event=event, arrival=arrival)
        assert widget.events[0].event_ms == event * 1_000
        assert len(widget.scene["marks"]) == 2


def test_scene_goes_to_the_browser_as_json() -> None:
    assert json.loads(json.dumps(Marbles(STORY, STORY_POLICY).scene))


def test_marbles_remain_without_a_kernel() -> None:
    bundle = Marbles(STORY, STORY_POLICY)._repr_mimebundle_()
    assert bundle["text/plain"] == state_sentence(TRACE, LAST)
    assert_is_a_picture_with_words(bundle)
    assert WIDGET in bundle


def test_script_knows_a_shape_for_each_verdict() -> None:
    script = Path(widgets.__file__).with_name("marbles.js")
    for verdict in style.VERDICT_LOOKS:
        assert re.search(rf'^  "?{verdict}"?: "M', script.read_text(), re.MULTILINE)


# --- query ---------------------------------------------------------------------------------------


def test_an_interrupted_query_can_be_asked_again() -> None:
    def interrupted() -> Any:
        raise KeyboardInterrupt

    run = QueryRun(lambda: "SELECT 1", interrupted)
    run.button.click()
    assert "press the button again" in run.said.value
    assert not run.button.disabled
