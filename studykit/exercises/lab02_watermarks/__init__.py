"""Lab 02: build the watermark, and find its bound."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Build the watermark")
