"""Rebuilding: a submission's own cells as `study check` runs them, and what the course must add."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from studykit.course.builder.assemble import exercise_in, lab_and_solution
from studykit.course.builder.cells import Cell
from studykit.course.layout import Course
from studykit.exercises.definition import Exercise, Lab
from studykit.grading.notebook.code import Code, first_line, read_code
from studykit.grading.notebook.modules import importer
from studykit.grading.notebook.reading import Notebook, NotebookCell
from studykit.grading.sandbox.session import PlanCell

COMMANDS: Final = 3
"""Most shell commands of a notebook that are named to the instructor."""


@dataclass(frozen=True)
class Original:
    """The code cells of a lab as the course has it, checks included, and its journal."""

    lab: Lab
    cells: tuple[Cell, ...]
    solution: Mapping[str, str]
    """The answers of the course, by the id of their cells."""
    journal: Mapping[str, str] = field(default_factory=dict)
    """The text cells for decisions, blank as the course gives them, by their ids."""

    @classmethod
    def of(cls, lab: Lab, course: Course) -> Original:
        """Build the lab from its source."""
        source = course.solutions / "src" / f"{lab.name}.py"
        blank, solved = (
            [
                Cell(node["cell_type"], node["source"], tuple(tags), node["id"])
                for node in notebook["cells"]
                for tags in [node["metadata"].get("tags", ())]
            ]
            for notebook in lab_and_solution(source, course)
        )
        code = tuple(cell for cell in blank if cell.kind == "code")
        answers = {cell.id: cell.source for cell in solved if "exercise" in cell.tags}
        journal = {cell.id: cell.source for cell in blank if "journal" in cell.tags}
        return cls(lab, code, answers, journal)

    def is_solution(self, submitted: Notebook) -> bool:
        """Return whether a notebook has the course's answers, letter by letter."""
        return _has(submitted, self.solution.values())

    def is_untouched(self, submitted: Notebook) -> bool:
        """Return whether a notebook has the holes as the course gives them."""
        return _has(submitted, self.holes.values())

    def resembles(self, submitted: Notebook) -> bool:
        """Return whether a notebook that names no lab has cells or functions of this one."""
        names = {exercise.name for exercise in self.lab.exercises}
        return any(
            cell.id in self.answers or names & read_code(cell.source).bound
            for cell in submitted.cells
        )

    @cached_property
    def answers(self) -> dict[str, Exercise]:
        """The exercise of each answer cell, by the cell's id."""
        found = {cell.id: exercise_in(cell, self.lab) for cell in self.cells}
        holes = {cell.id for cell in self.cells if "exercise" in cell.tags}
        return {id_: known for id_, known in found.items() if known is not None and id_ in holes}

    @cached_property
    def holes(self) -> dict[str, str]:
        """The text of each answer cell before anybody has filled it, by the cell's id."""
        return {cell.id: cell.source for cell in self.cells if cell.id in self.answers}

    @cached_property
    def given(self) -> dict[str, Code]:
        """What the cells say that are neither answers nor checks, by their ids."""
        return {
            cell.id: read_code(cell.source)
            for cell in self.cells
            if cell.id not in self.answers and "check" not in cell.tags
        }

    def modules(self) -> list[str]:
        """Return the modules that the course's own cells import."""
        found: dict[str, None] = {}
        for cell in self.cells:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom) and node.module:
                    found |= dict.fromkeys([node.module, *_submodules(node)])
                elif isinstance(node, ast.Import):
                    found |= dict.fromkeys(name.name for name in node.names)
        return list(found)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run for a submission, its own texts, and what was noticed on the way."""

    cells: tuple[PlanCell, ...]
    texts: tuple[str, ...]
    """The cells that the course has not given."""
    restored: tuple[str, ...] = ()
    review: tuple[str, ...] = ()


def rebuild(
    original: Original, submitted: Notebook, modules: Mapping[str, str] | None = None
) -> Plan:
    """Return what to run for a notebook: its code cells in their order, whatever is in them.

    That is what `study check` runs, so that both come to one verdict. Nothing inside a sandbox
    decides about marks; a cell of the course that was changed can only send wrong values. What the
    notebook has lost of the course is run before everything else, so that its own words win.

    Args:
        original: The lab as the course has it.
        submitted: The notebook.
        modules: Texts of Python files handed in beside the notebook, by path.
    """
    return _Rebuilding(original, submitted, modules or {}).result()


class _Rebuilding:
    """One notebook beside the course's own."""

    def __init__(self, original: Original, submitted: Notebook, modules: Mapping[str, str]) -> None:
        self._original = original
        self._modules = modules
        self._checks = {cell.source.strip() for cell in original.cells if "check" in cell.tags}
        self._notes: list[str] = []
        self._cells = self._with_retyped(submitted)
        self._code = [read_code(cell.source) for cell in self._cells]
        bound = frozenset().union(*(code.bound for code in self._code))
        self._lost = {cell.id for cell in _lost(original, self._cells, bound)}

    def result(self) -> Plan:
        answers = {id_: self._answering(id_, known) for id_, known in self._answers()}
        plan = [PlanCell(source, given=True) for source in self._prelude()]
        for number, cell in enumerate(self._cells):
            if cell.source.strip() and cell.source.strip() not in self._checks:
                mine = [self._original.answers[id_].id for id_ in answers if number in answers[id_]]
                plan.append(PlanCell(cell.source, tuple(mine)))
        self._note_commands()
        ours = {cell.source for cell in self._original.cells}
        texts = tuple(cell.source for cell in self._cells if cell.source not in ours)
        restored = tuple(_restored(self._original, self._cells, self._lost))
        return Plan(tuple(plan), texts, restored, tuple(self._notes))

    def _answers(self) -> Iterable[tuple[str, Exercise]]:
        return self._original.answers.items()

    def _with_retyped(self, submitted: Notebook) -> list[NotebookCell]:
        """Return the code cells, and answers whose cells were made text, where nothing else is."""
        answers = self._original.answers
        retyped = {cell.id for cell in submitted.cells if cell.kind != "code"} & set(answers)
        if not retyped:
            return [cell for cell in submitted.cells if cell.kind == "code"]
        bound = frozenset().union(
            *(read_code(cell.source).bound for cell in submitted.cells if cell.kind == "code")
        )
        found = []
        for cell in submitted.cells:
            known = answers.get(cell.id)
            if cell.kind == "code":
                found.append(cell)
            elif known and known.name in read_code(cell.source).bound - bound:
                self._notes.append(f"{known.id}: its cell is no code cell any more")
                found.append(cell)
        return found

    def _answering(self, cell_id: str, exercise: Exercise) -> set[int]:
        """Return which cells answer an exercise: those that bind its function, else its own."""
        own = {number for number, cell in enumerate(self._cells) if cell.id == cell_id}
        binding = [number for number, code in enumerate(self._code) if exercise.name in code.bound]
        hole = self._original.holes[cell_id].strip()
        filled = [number for number in binding if self._cells[number].source.strip() != hole]
        stars = {number for number, code in enumerate(self._code) if code.star}
        if not binding and stars:
            return own | stars
        if not binding:
            what = f"no function {exercise.name}" if own else "its cell was deleted"
            self._notes.append(f"{exercise.id}: {what}")
            return own
        if filled and len(filled) < len(binding):
            if binding[-1] in filled:
                where = "it is answered in another cell than its own, which is untouched"
            else:
                where = "an answer stands above its untouched cell, which is run later and counts"
            self._notes.append(f"{exercise.id}: {where}")
        elif len(binding) > 1:
            self._notes.append(
                f"{exercise.id}: {len(binding)} cells answer it, the last one counts"
            )
        elif not own & set(binding) and any(cell.id for cell in self._cells):
            self._notes.append(f"{exercise.id}: its cell was found by its function")
        return set(binding)

    def _prelude(self) -> list[str]:
        """Return what is run before the notebook: modules beside it, and what it has lost."""
        modules = importer(self._modules, [cell.source for cell in self._cells])
        if modules:
            used = ", ".join(modules.used)
            self._notes.append(f"uses files that were handed in beside the notebook: {used}")
        lost = self._lost
        setup = {cell.id for cell in self._original.cells if "setup" in cell.tags and lost}
        first = [modules.source] if modules else []
        return first + [cell.source for cell in self._original.cells if cell.id in lost | setup]

    def _note_commands(self) -> None:
        commands = [command for code in self._code for command in code.commands]
        self._notes += [
            f"a command was left out, as nothing is installed or run in a shell: {command}"
            for command in commands[:COMMANDS]
        ]


def _lost(original: Original, cells: Sequence[NotebookCell], bound: Set[str]) -> Iterator[Cell]:
    """Yield the course's cells that bind a name which nothing in a notebook binds any more.

    `bound` are the names that the notebook binds. A setup cell that was changed is lost, too, and
    one that is gone if it binds nothing.
    """
    texts = {cell.source.strip() for cell in cells}
    ids = {cell.id for cell in cells}
    for cell in original.cells:
        if cell.id not in original.given or cell.source.strip() in texts:
            continue
        names = original.given[cell.id].bound
        if names - bound or ("setup" in cell.tags and (cell.id in ids or not names)):
            yield cell


def _restored(original: Original, cells: Sequence[NotebookCell], lost: Set[str]) -> Iterator[str]:
    """Yield which setup and check cells of the course were changed, and what else is lost of it."""
    theirs: dict[str, list[str]] = {}
    for other in cells:
        theirs.setdefault(other.id, []).append(other.source.strip())
    texts = {text for found in theirs.values() for text in found}
    fixed = [cell for cell in original.cells if {"check", "setup"} & set(cell.tags)]
    for cell in original.cells:
        found = theirs.get(cell.id, [])
        what = first_line(cell.source)[:60]
        if len(found) > 1 and cell in fixed:
            yield f"duplicated: {what}"
        elif found and found[0] != cell.source.strip() and (cell in fixed or cell.id in lost):
            yield f"changed: {what}"
        elif cell.id in lost or ("check" in cell.tags and cell.source.strip() not in texts):
            yield f"deleted: {what}"
    wanted = [cell.id for cell in fixed if cell.id in theirs]
    if list(dict.fromkeys(cell.id for cell in cells if cell.id in wanted)) != wanted:
        yield "moved: cells of the course"


def _has(submitted: Notebook, texts: Iterable[str]) -> bool:
    return set(texts) <= {cell.source for cell in submitted.cells}


def _submodules(node: ast.ImportFrom) -> Iterable[str]:
    return (f"{node.module}.{name.name}" for name in node.names)
