"""Lab 13: features that mean one thing when they are served and when a model is trained."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Features")
