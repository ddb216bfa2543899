"""Lab 01: two clocks, units and zones."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Two clocks")
