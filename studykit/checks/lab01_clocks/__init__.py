"""Lab 01: two clocks, units and zones."""

from studykit.checks.collect import collect

LAB = collect(__name__, __path__, "Two clocks")
