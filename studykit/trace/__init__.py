"""Traces: the engine run with a recorder that keeps every step, and what is said of a step.

`simulate` runs a stream through the engine; `view` shows one step, `words` says it, `marbles` draws
a whole stream as one line of text. `stories` has streams to begin with.
"""

from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, PolicyError, Step, Trace

__all__ = ["Event", "Policy", "PolicyError", "Step", "Trace", "simulate"]
