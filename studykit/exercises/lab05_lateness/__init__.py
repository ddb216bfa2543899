"""Lab 05: lateness is judged per window, and nothing is lost in silence."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Lateness and dead letters")
