"""Lab 03: assign windows, and write the tests that catch wrong assigners."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Assign windows")
