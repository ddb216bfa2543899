"""Lab 10: a write that comes twice, late or never, and three readers who see it differently."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Sinks")
