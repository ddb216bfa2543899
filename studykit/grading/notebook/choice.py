"""Which of the files that a student handed in is graded, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from studykit.grading.intake.archives import Member, Rejection, is_archive, members
from studykit.grading.intake.files import File, read_regular
from studykit.grading.intake.submissions import Submission
from studykit.grading.intake.text import visible
from studykit.grading.notebook import modules
from studykit.grading.notebook.reading import MAX_BYTES, Notebook, ReadingFailure, read_notebook
from studykit.grading.notebook.rebuild import Original

MAX_TOTAL: Final = 200 * 2**20
"""Most bytes of one student that are read."""
OTHERS: Final = 4 * 2**20
"""Most of these bytes that may lie in files that are no notebooks."""
SHOWN: Final = 3
"""Most names of other files that are shown."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The notebook that counts, by its place among the files, and what was noticed on the way."""

    name: str
    notebook: Notebook
    notes: tuple[str, ...] = ()
    modules: dict[str, str] = field(default_factory=dict)
    """Texts of the files beside it, by path."""


def choose(submission: Submission, original: Original) -> Choice:
    """Choose the notebook of the lab: by what it says it is, else by its cells; then the newest.

    Raises:
        ReadingFailure: None of the files is one.
        Rejection: The only files are archives that are not opened, or they are too large.
    """
    files, reasons = _files(submission)
    found = list(_readable(files, reasons))
    if not found and not reasons:
        names = sorted(visible(file.place[-1]) for file in submission.files)
        what = f": {', '.join(names[:SHOWN])}" if names else ""
        raise ReadingFailure(f"there is no notebook among the files{what}")
    named = [pair for pair in found if pair[1].lab == original.lab.name]
    chosen = named or [pair for pair in found if not pair[1].lab and original.resembles(pair[1])]
    if not chosen:
        raise ReadingFailure(_none_of(original, [notebook for _, notebook in found], reasons))
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
        if _may_be_notebook(member.name):
            try:
                yield member, read_notebook(member.data)
            except ReadingFailure as error:
                if ".ipynb" in member.name.lower():  # other text may be anything
                    reasons.append(str(error))


def _may_be_notebook(name: str) -> bool:
    """Return whether a file may be a notebook, by its name; browsers add to it."""
    last = PurePosixPath(name).name.lower()
    return ".ipynb" in last or last.endswith((".json", ".txt"))


def _none_of(original: Original, found: Sequence[Notebook], reasons: Sequence[str]) -> str:
    others = sorted({notebook.lab for notebook in found if notebook.lab})
    if reasons and not others:
        return reasons[0]
    what = f"no notebook of {original.lab.name} among the files"
    return f"{what}; found {', '.join(others) or 'none'}"


def _files(submission: Submission) -> tuple[list[Member], list[str]]:
    """Return the files that matter, those in archives too, and why others are not opened.

    Raises:
        Rejection: Nothing can be opened.
    """
    found: list[Member] = []
    reasons: list[str] = []
    rejected: Rejection | None = None
    others = OTHERS
    for file in submission.files:
        try:
            new = _read(file, reasons, others)
        except OSError as error:
            reasons.append(str(error))
        except Rejection as error:
            rejected = error
            reasons.append(str(error))
        else:
            found += new
            others -= sum(len(member.data) for member in new if not _may_be_notebook(member.name))
        if sum(len(member.data) for member in found) > MAX_TOTAL:
            raise Rejection(f"more than {MAX_TOTAL >> 20} MB")
    if rejected and not any(_may_be_notebook(member.name) for member in found):
        raise rejected
    return found, reasons


def _read(file: File, reasons: list[str], others: int) -> list[Member]:
    """Return what is in a file: itself, or the files of an archive.

    `others` is how many bytes may still be read of what is no notebook.
    """
    name = "/".join(file.place)
    if is_archive(name):
        return _inside(name, file.path, reasons)
    if not _may_be_notebook(name) and others <= 0:
        return []
    most = MAX_BYTES + 1 if _may_be_notebook(name) else modules.MAX_BYTES + 1
    return [Member(name, file.modified, read_regular(file.path, most))]


def _inside(name: str, path: Path, reasons: list[str]) -> list[Member]:
    """Return the files of an archive, as if it had been unpacked where it lies."""
    home = PurePosixPath(name).parent
    found: list[Member] = []
    nested = ""
    for member in members(path):
        hidden = any(part.startswith((".", "__MACOSX")) for part in member.name.split("/"))
        if is_archive(member.name):
            shown = visible(path.name)
            nested = f"the archive {shown} holds another archive, which is not opened"
        elif not hidden:
            found.append(Member((home / member.name).as_posix(), member.modified, member.data))
    if nested and not any(_may_be_notebook(member.name) for member in found):
        raise Rejection(nested)
    reasons += filter(None, [nested])
    return found


def _beside(chosen: Member, files: Sequence[Member]) -> dict[str, str]:
    """Return the texts in the folder of a notebook and below it, Python files first."""
    home = PurePosixPath(chosen.name).parent
    found: dict[str, str] = {}
    left = modules.MAX_BYTES
    for file in sorted(files, key=lambda file: (not file.name.endswith(".py"), file.name)):
        path = PurePosixPath(file.name)
        if file is chosen or not path.is_relative_to(home) or len(file.data) > left:
            continue
        try:
            found[path.relative_to(home).as_posix()] = file.data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        left -= len(file.data)
        if len(found) == modules.MAX_FILES:
            break
    return found
