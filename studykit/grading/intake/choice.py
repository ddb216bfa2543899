"""Which of the files that a student handed in is graded, and which Python files stand beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from studykit.grading.intake import modules
from studykit.grading.intake.archives import Member, Rejected, is_archive, members
from studykit.grading.intake.files import read_regular
from studykit.grading.intake.notebooks import MAX_BYTES, Notebook, Unreadable, read_notebook
from studykit.grading.intake.rebuild import Original
from studykit.grading.intake.submissions import Submission

SUFFIXES: Final = (".ipynb", ".ipynb.txt", ".ipynb.json", ".json")
"""How the names of notebooks end; browsers put the later ones behind the first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The notebook that counts, by its place among the files, and what was noticed on the way."""

    name: str
    notebook: Notebook
    notes: tuple[str, ...] = ()
    modules: dict[str, str] = field(default_factory=dict)
    """Texts of the Python files beside it, by path."""


def choose(submission: Submission, original: Original) -> Choice:
    """Choose the notebook of the lab: by what it says it is, else by its cells; then the newest.

    Raises:
        Unreadable: None of the files is one.
        Rejected: The only files are archives that are not opened.
    """
    files, reasons = _files(submission)
    found = list(_readable(files, reasons))
    if not found and not reasons:
        raise Unreadable("there is no notebook among the files")
    named = [pair for pair in found if pair[1].lab == original.lab.name]
    chosen = named or [pair for pair in found if not pair[1].lab and original.resembles(pair[1])]
    if not chosen:
        raise Unreadable(_none_of(original, [notebook for _, notebook in found], reasons))
    for own in (original.is_solution, original.is_untouched):  # a whole clone holds both
        chosen = [pair for pair in chosen if not own(pair[1])] or chosen
    notes = [] if named else ["the notebook does not say which lab it is; known by its cells"]
    member, notebook = chosen[0]
    if len({other.data for other, _ in chosen}) > 1:
        notes.append(f"{len(chosen)} notebooks of this lab, the newest counts: {member.name}")
    notes += [f"another file is not readable: {reason}" for reason in reasons[:1]]
    return Choice(member.name, notebook, tuple(notes), _beside(member, files))


def _readable(files: Sequence[Member], reasons: list[str]) -> Iterator[tuple[Member, Notebook]]:
    """Yield the notebooks, the newest first; add to `reasons` why others cannot be read."""
    for member in sorted(files, key=lambda file: (-file.modified, file.name)):
        name = member.name.lower()
        if name.endswith(SUFFIXES):
            try:
                yield member, read_notebook(member.data)
            except Unreadable as error:
                if ".ipynb" in name:  # other JSON may be anything
                    reasons.append(str(error))


def _none_of(original: Original, found: Sequence[Notebook], reasons: Sequence[str]) -> str:
    others = sorted({notebook.lab for notebook in found if notebook.lab})
    if reasons and not others:
        return reasons[0]
    what = f"no notebook of {original.lab.name} among the files"
    return f"{what}; found {', '.join(others) or 'none'}"


def _files(submission: Submission) -> tuple[list[Member], list[str]]:
    """Return the files that matter, those in archives too, and why others are not opened.

    Raises:
        Rejected: Nothing can be opened.
    """
    found: list[Member] = []
    reasons: list[str] = []
    rejected: Rejected | None = None
    for file in submission.files:
        name = "/".join(file.place)
        try:
            if _matters(name):
                data = read_regular(file.path, MAX_BYTES + 1)
                found.append(Member(name, file.modified, data))
            elif is_archive(name):
                found += _inside(name, file.path, reasons)
        except OSError as error:
            reasons.append(str(error))
        except Rejected as error:
            rejected = error
            reasons.append(str(error))
    if rejected and not any(member.name.lower().endswith(SUFFIXES) for member in found):
        raise rejected
    return found, reasons


def _inside(name: str, path: Path, reasons: list[str]) -> list[Member]:
    """Return the files of an archive, as if it had been unpacked where it lies."""
    home = PurePosixPath(name).parent
    found = []
    for member in members(path):
        hidden = any(part.startswith((".", "__MACOSX")) for part in member.name.split("/"))
        if is_archive(member.name):
            reasons.append(f"the archive {path.name} holds another archive, which is not opened")
        elif _matters(member.name) and not hidden:
            found.append(Member((home / member.name).as_posix(), member.modified, member.data))
    return found


def _matters(name: str) -> bool:
    return name.lower().endswith((*SUFFIXES, ".py"))


def _beside(chosen: Member, files: Sequence[Member]) -> dict[str, str]:
    """Return the Python files in the folder of a notebook and below it."""
    home = PurePosixPath(chosen.name).parent
    found: dict[str, str] = {}
    left = modules.MAX_BYTES
    for file in files:
        path = PurePosixPath(file.name)
        if path.suffix == ".py" and path.is_relative_to(home) and len(found) < modules.MAX_FILES:
            left -= len(file.data)
            if left >= 0:
                found[path.relative_to(home).as_posix()] = file.data.decode("utf-8", "replace")
    return found
