"""Lab 11: the same rules on Flink. SQL texts, verdicts before the window, bundles, a function."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "The same rules on Flink")  # no claim: name
