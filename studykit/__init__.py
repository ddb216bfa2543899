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
    from studykit.figures.clocks import (
        bound_tradeoff,
        comparison,
        marbles,
        min_watermark,
        two_clocks,
        watermark_stepper,
    )
    from studykit.figures.operators import (
        job_view,
        join_lanes,
        keyed_state,
        kill_map,
        live_state,
        price_of_waiting,
        served_recomputed,
        three_readers,
    )
    from studykit.figures.windows import assigners, panes, window_life
    from studykit.trace.comparison import compare
    from studykit.trace.marbles import outcome, parse
    from studykit.trace.mutes import FOUR_PARTITIONS, muted
    from studykit.trace.operators.holders import (
        DAY_MS,
        Forever,
        Timers,
        TimeToLive,
        month,
        three_holders,
        watched,
    )
    from studykit.trace.operators.joins import JoinRow, joined
    from studykit.trace.operators.kills import DESIGNS, killed_everywhere
    from studykit.trace.operators.serving import CARD_STORY, meter, serve
    from studykit.trace.operators.sinks import STORES, sunk
    from studykit.trace.operators.waits import recorded_waits
    from studykit.trace.payments import SLOW, seeded
    from studykit.trace.simulate import simulate
    from studykit.trace.steps import Event, Policy, PolicyError, Trace
    from studykit.trace.stories import SILENT_PARTITION, STORY, STORY_POLICY, TWO_VISITS
    from studykit.trace.typed_engine import typed_before
    from studykit.trace.view import view
    from studykit.trace.words import seconds, span, step_sentence
    from studykit.widgets.engine_so_far import EngineSoFar
    from studykit.widgets.explorer import Explorer
    from studykit.widgets.live.job import LiveJob
    from studykit.widgets.live.mutes import LiveMutes
    from studykit.widgets.live.payment import LivePayment
    from studykit.widgets.marbles import Marbles
    from studykit.widgets.mutes import Mutes
    from studykit.widgets.picture import Picture
    from studykit.widgets.predict import Predict
    from studykit.widgets.stepper import Stepper

# jsonschema loads this package if it finds it, to check addresses that no notebook has. It builds
# forty parsers first: without it every command that reads a notebook answers 1.5 s sooner.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

_HOMES = {
    "studykit.figures.clocks": (
        "bound_tradeoff",
        "comparison",
        "marbles",
        "min_watermark",
        "two_clocks",
        "watermark_stepper",
    ),
    "studykit.figures.windows": ("assigners", "panes", "window_life"),
    "studykit.figures.operators": (
        "job_view",
        "join_lanes",
        "keyed_state",
        "kill_map",
        "live_state",
        "price_of_waiting",
        "served_recomputed",
        "three_readers",
    ),
    "studykit.trace.comparison": ("compare",),
    "studykit.trace.operators.holders": (
        "DAY_MS",
        "Forever",
        "TimeToLive",
        "Timers",
        "month",
        "three_holders",
        "watched",
    ),
    "studykit.trace.operators.joins": ("JoinRow", "joined"),
    "studykit.trace.operators.kills": ("DESIGNS", "killed_everywhere"),
    "studykit.trace.marbles": ("outcome", "parse"),
    "studykit.trace.mutes": ("FOUR_PARTITIONS", "muted"),
    "studykit.trace.operators.serving": ("CARD_STORY", "meter", "serve"),
    "studykit.trace.simulate": ("simulate",),
    "studykit.trace.operators.sinks": ("STORES", "sunk"),
    "studykit.trace.operators.waits": ("recorded_waits",),
    "studykit.trace.steps": ("Event", "Policy", "PolicyError", "Trace"),
    "studykit.trace.payments": ("SLOW", "seeded"),
    "studykit.trace.stories": ("SILENT_PARTITION", "STORY", "STORY_POLICY", "TWO_VISITS"),
    "studykit.trace.typed_engine": ("typed_before",),
    "studykit.trace.view": ("view",),
    "studykit.trace.words": ("seconds", "span", "step_sentence"),
    "studykit.widgets.engine_so_far": ("EngineSoFar",),
    "studykit.widgets.explorer": ("Explorer",),
    "studykit.widgets.live.job": ("LiveJob",),
    "studykit.widgets.live.mutes": ("LiveMutes",),
    "studykit.widgets.live.payment": ("LivePayment",),
    "studykit.widgets.marbles": ("Marbles",),
    "studykit.widgets.mutes": ("Mutes",),
    "studykit.widgets.picture": ("Picture",),
    "studykit.widgets.predict": ("Predict",),
    "studykit.widgets.stepper": ("Stepper",),
}
"""The modules and rooms behind the front door, each with its names there."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CARD_STORY",
    "DAY_MS",
    "DESIGNS",
    "FOUR_PARTITIONS",
    "SILENT_PARTITION",
    "SLOW",
    "STORES",
    "STORY",
    "STORY_POLICY",
    "TWO_VISITS",
    "EngineSoFar",
    "Event",
    "Explorer",
    "Forever",
    "JoinRow",
    "LiveJob",
    "LiveMutes",
    "LivePayment",
    "Marbles",
    "Mutes",
    "Picture",
    "Policy",
    "PolicyError",
    "Predict",
    "Stepper",
    "TimeToLive",
    "Timers",
    "Trace",
    "assigners",
    "bound_tradeoff",
    "compare",
    "comparison",
    "job_view",
    "join_lanes",
    "joined",
    "keyed_state",
    "kill_map",
    "killed_everywhere",
    "live_state",
    "marbles",
    "meter",
    "min_watermark",
    "month",
    "muted",
    "outcome",
    "panes",
    "parse",
    "price_of_waiting",
    "recorded_waits",
    "seconds",
    "seeded",
    "serve",
    "served_recomputed",
    "simulate",
    "span",
    "step_sentence",
    "sunk",
    "three_holders",
    "three_readers",
    "two_clocks",
    "typed_before",
    "view",
    "watched",
    "watermark_stepper",
    "window_life",
]


def __getattr__(name: str) -> object:
    """Return a name of the front door from its home; the first use imports that home.

    Raises:
        AttributeError: The front door has no such name.
    """
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOME_OF[name])
    # A figure is a module of its room: the room has no such attribute before the first import.
    found: object = getattr(home, name, None) or import_module(f"{home.__name__}.{name}")
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
