"""Lab 14: troubled jobs. A symptom, a number to reach, and what must stay as it is."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Troubled jobs")
