"""Lab 06: with many inputs the slowest one that is not idle is the clock."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Many inputs")
