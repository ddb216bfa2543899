"""The teaching tools. `from studykit import …` has all that a lesson needs, loaded when it is used.

Begin with `trace`: `simulate` runs a stream through the engine and keeps every step. `figures` and
`widgets` show a trace, `exercises` ask about one, `checks` judge the answers. `course` builds the
notebooks, `grading` marks whole classes, `services` and `flink` run the real broker, store and
engine, and `cli` is the command `study`. `docs/architecture.md` draws how they stand on each other.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studykit.figures import (
        assigners,
        bound_tradeoff,
        comparison,
        job_view,
        keyed_state,
        min_watermark,
        panes,
        plane,
        two_clocks,
        watermark_stepper,
        window_life,
    )
    from studykit.trace.comparing import compare
    from studykit.trace.marbles import outcome, parse
    from studykit.trace.simulate import simulate
    from studykit.trace.steps import Event, Policy, PolicyError, Trace
    from studykit.trace.stories import (
        SILENT_PARTITION,
        SLOW,
        STORY,
        STORY_POLICY,
        TWO_VISITS,
        seeded,
    )
    from studykit.trace.typed import typed_before
    from studykit.trace.view import view
    from studykit.trace.words import seconds, span, step_sentence
    from studykit.widgets.explorer import Explorer
    from studykit.widgets.marbles import Marbles
    from studykit.widgets.picture import Picture
    from studykit.widgets.predict import Predict
    from studykit.widgets.stepper import Stepper

# jsonschema loads this package if it finds it, to check addresses that no notebook has. It builds
# forty parsers first: without it every command that reads a notebook answers 1.5 s sooner.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

_FIGURES = (
    "assigners",
    "bound_tradeoff",
    "comparison",
    "job_view",
    "keyed_state",
    "min_watermark",
    "panes",
    "plane",
    "two_clocks",
    "watermark_stepper",
    "window_life",
)
_HOMES = {
    "Event": "trace.steps",
    "Explorer": "widgets.explorer",
    "Marbles": "widgets.marbles",
    "Picture": "widgets.picture",
    "Policy": "trace.steps",
    "PolicyError": "trace.steps",
    "Predict": "widgets.predict",
    "SILENT_PARTITION": "trace.stories",
    "SLOW": "trace.stories",
    "STORY": "trace.stories",
    "STORY_POLICY": "trace.stories",
    "Stepper": "widgets.stepper",
    "TWO_VISITS": "trace.stories",
    "Trace": "trace.steps",
    "compare": "trace.comparing",
    "outcome": "trace.marbles",
    "parse": "trace.marbles",
    "seconds": "trace.words",
    "seeded": "trace.stories",
    "simulate": "trace.simulate",
    "span": "trace.words",
    "step_sentence": "trace.words",
    "typed_before": "trace.typed",
    "view": "trace.view",
}
"""Where each name of the front door lives."""

__all__ = [
    "SILENT_PARTITION",
    "SLOW",
    "STORY",
    "STORY_POLICY",
    "TWO_VISITS",
    "Event",
    "Explorer",
    "Marbles",
    "Picture",
    "Policy",
    "PolicyError",
    "Predict",
    "Stepper",
    "Trace",
    "assigners",
    "bound_tradeoff",
    "compare",
    "comparison",
    "job_view",
    "keyed_state",
    "min_watermark",
    "outcome",
    "panes",
    "parse",
    "plane",
    "seconds",
    "seeded",
    "simulate",
    "span",
    "step_sentence",
    "two_clocks",
    "typed_before",
    "view",
    "watermark_stepper",
    "window_life",
]


def __getattr__(name: str) -> object:
    """Return a name of the front door, or a figure's module, from where it lives."""
    if name in _FIGURES:
        return import_module(f"{__name__}.figures.{name}")
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
