"""Lab 04: sliding windows from panes, and sessions that merge."""

from studykit.exercises.collect import collect

LAB = collect(__name__, __path__, "Sliding panes and sessions")
