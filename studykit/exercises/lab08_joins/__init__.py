"""Lab 08: two streams that are never in step, and what each keeps for the other."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Joins")
