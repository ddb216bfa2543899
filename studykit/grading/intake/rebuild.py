"""Rebuilding: the course's own notebook, with nothing of the submission but its answers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from studykit.course.assemble import exercise_in, lab_and_solution
from studykit.course.cells import Cell
from studykit.course.layout import Course
from studykit.exercises.definition import Exercise, Lab
from studykit.grading.intake.notebooks import Submitted, TheirCell
from studykit.grading.sandbox.session import PlanCell


@dataclass(frozen=True)
class Original:
    """The code cells of a lab as the course has it, checks included."""

    lab: Lab
    cells: tuple[Cell, ...]
    solution: Mapping[str, str]
    """The answers of the course, by the id of their cells."""

    @classmethod
    def of(cls, lab: Lab, course: Course) -> Original:
        """Build the lab from its source."""
        source = course.solutions / "src" / f"{lab.name}.py"
        blank, solved = (
            [
                Cell("code", node["source"], tuple(node["metadata"].get("tags", ())), node["id"])
                for node in notebook["cells"]
                if node["cell_type"] == "code"
            ]
            for notebook in lab_and_solution(source, course)
        )
        answers = {cell.id: cell.source for cell in solved if "exercise" in cell.tags}
        return cls(lab, tuple(blank), answers)

    def is_solution(self, submitted: Submitted) -> bool:
        """Return whether a notebook has the course's answers, letter by letter."""
        return _has(submitted, self.solution)

    def is_untouched(self, submitted: Submitted) -> bool:
        """Return whether a notebook has the holes as the course gives them."""
        return _has(submitted, {one.id: one.source for one in self.cells if one.id in self.answers})

    @cached_property
    def answers(self) -> dict[str, Exercise]:
        """The exercise of each answer cell, by the cell's id."""
        found = {cell.id: exercise_in(cell, self.lab) for cell in self.cells}
        holes = {cell.id for cell in self.cells if "exercise" in cell.tags}
        return {id_: one for id_, one in found.items() if one is not None and id_ in holes}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that the course's own cells define."""
        return frozenset(name for cell in self.cells for name in _defined(cell.source))

    def modules(self) -> list[str]:
        """Return the modules that the course's own cells import."""
        found: dict[str, None] = {}
        for cell in self.cells:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom) and node.module:
                    found |= dict.fromkeys([node.module, *_submodules(node)])
                elif isinstance(node, ast.Import):
                    found |= dict.fromkeys(one.name for one in node.names)
        return list(found)


def _has(submitted: Submitted, answers: Mapping[str, str]) -> bool:
    return set(answers.items()) <= {(cell.id, cell.source) for cell in submitted.cells}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What is run for a submission, its answers as text, and what was noticed on the way."""

    cells: tuple[PlanCell, ...]
    texts: dict[str, str]
    """By exercise id."""
    restored: tuple[str, ...] = ()
    review: tuple[str, ...] = ()


def rebuild(original: Original, submitted: Submitted) -> Rebuilt:
    """Put the answers of a submission into the course's own notebook."""
    picked = {
        cell.id: _pick(original.answers[cell.id], cell.id, submitted)
        for cell in original.cells
        if cell.id in original.answers
    }
    plan: list[PlanCell] = []
    review = [note for answer in picked.values() for note in answer.notes]
    texts: dict[str, str] = {}
    for cell in original.cells:
        if cell.id in picked:
            exercise = original.answers[cell.id]
            answer = picked[cell.id]
            helpers = _helpers(answer.source, original, submitted)
            review += [f"{exercise.id}: uses a cell that was added" for _ in helpers[:1]]
            plan += [PlanCell(one, exercise.id) for one in (*helpers, answer.source) if one.strip()]
            texts[exercise.id] = "\n".join([*helpers, answer.source])
        elif "check" not in cell.tags:
            plan.append(PlanCell(cell.source))
    return Rebuilt(tuple(plan), texts, tuple(_restored(original, submitted)), tuple(review))


@dataclass(frozen=True, slots=True)
class _Picked:
    source: str
    notes: tuple[str, ...] = ()


def _pick(exercise: Exercise, cell_id: str, submitted: Submitted) -> _Picked:
    """Choose the cell that answers an exercise: by its id, else by the function it defines."""
    same_id = [cell for cell in submitted.cells if cell.id == cell_id]
    defining = [cell for cell in submitted.cells if exercise.name in _defined(cell.source)]
    by_id = [cell for cell in same_id if cell in defining]
    if by_id:
        return _Picked(by_id[-1].source, tuple(_doubts(exercise, by_id, same_id)))
    if defining:
        known = any(cell.id for cell in submitted.cells)
        notes = [f"{exercise.id}: its cell was found by its function"] if known else []
        notes += _doubts(exercise, defining, defining)
        return _Picked(defining[-1].source, tuple(notes))
    if same_id:
        return _Picked(same_id[-1].source, (f"{exercise.id}: no function {exercise.name}",))
    return _Picked("", (f"{exercise.id}: its cell was deleted",))


def _doubts(
    exercise: Exercise, found: Sequence[TheirCell], same: Sequence[TheirCell]
) -> Iterator[str]:
    if len(same) > 1:
        yield f"{exercise.id}: {len(same)} cells answer it, the last one counts"
    if found[-1].kind != "code":
        yield f"{exercise.id}: its cell is no code cell any more"


def _helpers(answer: str, original: Original, submitted: Submitted) -> list[str]:
    """Return the added cells that define what an answer uses, in their order."""
    ours = {cell.id for cell in original.cells}
    answers = {exercise.name for exercise in original.answers.values()}
    added = [
        cell
        for cell in submitted.cells
        if cell.kind == "code" and cell.id and cell.id not in ours and cell.source != answer
    ]
    known = original.names | _defined(answer)
    wanted = _words(answer) - known
    needed: list[TheirCell] = []
    grew = True
    while grew:
        new = [
            cell
            for cell in added
            if cell not in needed
            and not _defined(cell.source) & answers
            and _defined(cell.source) & wanted
        ]
        needed += new
        wanted |= {word for cell in new for word in _words(cell.source)} - known
        grew = bool(new)
    return [cell.source for cell in added if cell in needed]


def _restored(original: Original, submitted: Submitted) -> Iterator[str]:
    """Yield which cells of the course were changed; as everywhere, the course's own were run."""
    fixed = [cell for cell in original.cells if {"check", "setup"} & set(cell.tags)]
    theirs: dict[str, list[TheirCell]] = {}
    for one in submitted.cells:
        theirs.setdefault(one.id, []).append(one)
    if set(theirs) <= {""}:
        return  # saved in a format without ids
    for cell in fixed:
        found = theirs.get(cell.id, [])
        what = cell.source.strip().partition("\n")[0][:60]
        if not found:
            yield f"deleted: {what}"
        elif len(found) > 1:
            yield f"duplicated: {what}"
        elif found[0].kind != "code" or found[0].source.strip() != cell.source.strip():
            yield f"changed: {what}"
    order = [cell.id for cell in submitted.cells if cell.id in {one.id for one in fixed}]
    wanted = [cell.id for cell in fixed if cell.id in theirs]
    if list(dict.fromkeys(order)) != wanted:
        yield "moved: cells of the course"


def _defined(source: str) -> set[str]:
    """Return the names that a text defines at its top level, found without parsing it."""
    return set(re.findall(r"^(?:async +def|def|class) +(\w+)", source, re.MULTILINE)) | set(
        re.findall(r"^(\w+) *(?::[^=\n]+)?=(?!=)", source, re.MULTILINE)
    )


def _words(source: str) -> set[str]:
    return set(re.findall(r"\b[^\W\d]\w*", source))


def _submodules(node: ast.ImportFrom) -> Iterable[str]:
    return (f"{node.module}.{name.name}" for name in node.names)
