"""The picture of a scene in a notebook: a figure of the deciding step, with its words."""

from __future__ import annotations

from IPython.display import display

import studykit
from studykit.checks.beside import Spans, Watermarks
from studykit.exercises.scene import Scene
from studykit.trace.simulate import simulate
from studykit.trace.steps import Trace
from studykit.trace.words import step_sentence
from studykit.widgets import Picture


def show(scene: Scene) -> None:
    """Show the picture of a scene in the notebook, with a sentence that says what it shows."""
    display(picture(scene))


def picture(scene: Scene) -> Picture:
    """Return the picture of a scene: the engine runs its stream, a figure shows the deciding step.

    A scene with right watermarks or spans gets a picture of those beside the learner's instead.
    """
    trace = simulate(scene.events, scene.policy)
    step = step_of(scene, trace)
    if scene.right_watermarks or scene.right_spans:
        beside = Watermarks(scene) if scene.right_watermarks else Spans(scene)
        shown = Picture(trace, beside, step)
        shown.sentence = " ".join(filter(None, [scene.about, shown.sentence]))
        return shown
    shown = Picture(trace, getattr(studykit, scene.figure), step)
    verdict = scene.moment == "judged" and scene.figure in ("watermark_stepper", "window_life")
    words = [scene.about, step_sentence(trace, step) if verdict else "", shown.sentence]
    shown.sentence = " ".join(filter(None, words))
    return shown


def step_of(scene: Scene, trace: Trace) -> int:
    """Return how many steps of `trace` have happened at the moment of the scene."""
    if scene.moment == "followed":
        return sum(step.number <= scene.number for step in trace.steps)
    before = next(n for n, step in enumerate(trace.steps) if step.number == scene.number)
    return before if scene.moment == "before" else before + 1
