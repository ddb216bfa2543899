"""Building: bring the committed notebooks up to date with their sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from studykit.course.builder.assemble import lab_and_solution, lesson
from studykit.course.builder.cells import Notebook, cells_hash, dump, load, without_outputs
from studykit.course.builder.execute import executed, is_executed, outputs_of
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.files import free_name, write_whole

BuildOutcome: TypeAlias = Literal["unchanged", "written", "executed"]


@dataclass(frozen=True, slots=True)
class Product:
    """A notebook that a source builds: its path, and its content before it is run."""

    path: Path
    notebook: Notebook
    has_outputs: bool

    @property
    def text(self) -> str:
        """The file's text without outputs."""
        return dump(self.notebook)

    def is_current(self) -> bool:
        """Return whether the file on disk is this notebook, whatever its outputs."""
        if not self.path.exists():
            return False
        old = load(self.path)
        if self.has_outputs:
            return is_executed(old) and dump(without_outputs(old)) == self.text
        return self.path.read_text("utf-8") == self.text


def products(course: Course, name: str | None = None) -> Iterator[Product]:
    """Yield every notebook of the course, or those of the source that `name` begins.

    Raises:
        StudyError: No source has that name, or a source is wrong.
    """
    count = 0
    for source in [*course.gallery_sources(), *course.lesson_sources()]:
        if name is None or source.stem.startswith(name):
            count += 1
            path = course.notebooks / f"{source.stem}.ipynb"
            yield Product(path, lesson(source, course), has_outputs=True)
    for source in course.lab_sources():
        if name is None or source.stem.startswith(name):
            count += 1
            hollow, solved = lab_and_solution(source, course)
            yield Product(course.labs / f"{source.stem}.ipynb", hollow, has_outputs=False)
            yield Product(course.solutions / f"{source.stem}.ipynb", solved, has_outputs=True)
    if name is not None and not count:
        raise StudyError(f"no source begins with {name!r}: give a name such as 02 or lab02")


def build(product: Product, *, force: bool = False) -> BuildOutcome:
    """Write a notebook, running it where its code has changed.

    Args:
        product: The notebook.
        force: Whether to run it even if nothing has changed.

    Raises:
        StudyError: A cell of the notebook fails.
    """
    if product.is_current() and not force:
        return "unchanged"
    if not product.has_outputs:
        _save_work(product.path)
        write_whole(product.path, product.text)
        return "written"
    if not force and product.path.exists():
        kept = outputs_of(product.notebook, load(product.path))
        if kept is not None and is_executed(kept):
            write_whole(product.path, dump(kept))
            return "written"
    ran = executed(product.notebook, product.path.parent, product.path.name)
    write_whole(product.path, dump(ran))
    return "executed"


def _save_work(path: Path) -> None:
    """Put a lab aside that somebody has worked in, instead of in a copy."""
    if not path.exists():
        return
    old = load(path)
    origin = old["metadata"].get("course", {})
    if origin.get("cells_sha256") != cells_hash(old["cells"]):
        path.rename(free_name(path.with_name(f"my_{path.name}"), "backup"))
