"""The ten events, for copies of labs that were made when they were kept here."""

from studykit.trace.story import BOUND_MS, LATENESS_MS, SIZE_MS, STORY, TIMES
from studykit.trace.story import NumberedEvent as Arrival

__all__ = ["BOUND_MS", "LATENESS_MS", "SIZE_MS", "STORY", "TIMES", "Arrival"]
