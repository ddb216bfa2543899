"""Lab 12: one job in production. What vanishes, what shows, what agrees, what a start takes."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "One job in production")
