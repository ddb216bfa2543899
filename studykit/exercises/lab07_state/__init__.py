"""Lab 07: state belongs to a key, and somebody has to free it."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "State and timers")
