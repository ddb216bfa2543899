"""Where the sources and the notebooks of the course are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Course:
    """The folders of the course under `root`."""

    root: Path

    @classmethod
    def of_clone(cls) -> Course:
        """Return the course of the clone that this file is in."""
        return cls(Path(__file__).resolve().parents[2])

    @property
    def labs(self) -> Path:
        """The folder of the labs without answers, and of the learner's copies `my_lab*.ipynb`."""
        return self.root / "labs"

    @property
    def solutions(self) -> Path:
        """The folder of the labs with answers and outputs; `src/` below it has their sources."""
        return self.root / "solutions"

    @property
    def notebooks(self) -> Path:
        """The folder of the lessons with outputs; `src/` below it has their sources."""
        return self.root / "notebooks"

    def lesson_sources(self) -> list[Path]:
        """Return `notebooks/src/NN_topic.py`, by number; 00 is not on the path."""
        found = (self.notebooks / "src").glob("[0-9][0-9]_*.py")
        return sorted(set(found) - set(self.gallery_sources()))

    def gallery_sources(self) -> list[Path]:
        """Return `notebooks/src/00_topic.py`: pages to look at, beside the path."""
        return sorted((self.notebooks / "src").glob("00_*.py"))

    def lab_sources(self) -> list[Path]:
        """Return `solutions/src/labNN_topic.py`, by number."""
        return sorted((self.solutions / "src").glob("lab[0-9][0-9]_*.py"))
