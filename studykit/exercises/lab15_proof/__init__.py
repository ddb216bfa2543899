"""Lab 15: how would you know that it is wrong: an oracle, a shrinker, books, tests on trial."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Proof")
