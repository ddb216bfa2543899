"""Widgets: each holds a step or a knob, and shows what traces, figures and words make of it.

`Stepper` walks through a trace. `Explorer` adds sliders for the policy. `Predict` asks before it
shows. `Marbles` lets events be dragged, `Mutes` lets producers fall silent. `Picture` stands still.
`live/` steers something real while it runs; `query_run` and `real_run` start it and show its end.
"""

from studykit.widgets.explorer import Explorer
from studykit.widgets.marbles import Marbles
from studykit.widgets.picture import Picture
from studykit.widgets.predict import Predict
from studykit.widgets.stepper import Stepper

__all__ = ["Explorer", "Marbles", "Picture", "Predict", "Stepper"]
