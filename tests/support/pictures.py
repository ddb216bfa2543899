"""Pictures that several tests look at."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from msgspec.structs import replace

from studykit.figures.clocks import watermark_stepper
from studykit.figures.operators import job_view
from studykit.figures.windows import assigners, panes, window_life
from studykit.flink import recording
from studykit.trace.simulate import Policy, simulate
from studykit.trace.stories import STORY, STORY_POLICY, TWO_VISITS

RECORDING = Path(recording.__file__).with_name("recordings") / "slow_python_function.json"


def pictures() -> dict[str, Figure]:
    story = simulate(STORY, STORY_POLICY)
    keyed = simulate(STORY, replace(STORY_POLICY, keyed=True))
    visits = simulate(TWO_VISITS, Policy(size_ms=6_000, slide_ms=3_000, gap_ms=4_000))
    return {
        "watermark_stepper": watermark_stepper.draw(story, story.step_at(18_000)),
        "window_life": window_life.draw(keyed, len(keyed.steps)),
        "assigners": assigners.draw(visits, len(visits.steps)),
        "panes": panes.draw(story, len(story.steps)),
        "job_view": job_view.draw(recording.load(RECORDING), 23),
    }
