"""The picture of a scene in a notebook: a figure of the deciding step, with its words."""

from __future__ import annotations

from IPython.display import display

import studykit
from studykit.checks.beside import Courses, Spans, Watermarks
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

    A scene with right watermarks, spans or values gets a picture of those beside the learner's.
    """
    trace = simulate(scene.events, scene.policy)
    step = step_of(scene, trace)
    beside = beside_of(scene)
    if beside:
        shown = Picture(trace, beside, step)
        shown.sentence = " ".join(filter(None, [scene.about, shown.sentence]))
        return shown
    shown = Picture(trace, getattr(studykit, scene.figure), step)
    verdict = scene.moment == "judged" and scene.figure in ("watermark_stepper", "window_life")
    words = [scene.about, step_sentence(trace, step) if verdict else "", shown.sentence]
    shown.sentence = " ".join(filter(None, words))
    return shown


def beside_of(scene: Scene) -> Watermarks | Spans | Courses | None:
    """Return the figure of the learner's own result beside the right one; None without one."""
    if scene.right_watermarks:
        return Watermarks(scene)
    if scene.right_values:
        return Courses(scene)
    return Spans(scene) if scene.right_spans or scene.your_spans else None


def step_of(scene: Scene, trace: Trace) -> int:
    """Return how many steps of `trace` have happened at the moment of the scene."""
    if scene.moment == "followed":
        return sum(step.number <= scene.number for step in trace.steps)
    before = next(n for n, step in enumerate(trace.steps) if step.number == scene.number)
    return before if scene.moment == "before" else before + 1
