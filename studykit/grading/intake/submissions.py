"""Intake: from a folder, an archive or a list to the files that each student handed in.

Nothing is opened here but folders and the archive or list of the instructor's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.grading.intake import gradescope
from studykit.grading.intake.archives import is_archive
from studykit.grading.intake.files import (
    File,
    in_archive,
    in_folder,
    one_file,
    read_regular,
    without_wrapper,
)
from studykit.grading.intake.identity import identity
from studykit.grading.intake.systems import Owner, owners
from studykit.grading.intake.text import read_table, visible
from studykit.grading.intake.times import parse_time

MAX_FILES: Final = 500
"""Most files that a student may hand in."""


@dataclass(slots=True)
class Submission:
    """What one student handed in: files, or why they are not opened.

    Args:
        student: The student's identity.
        files: The files, by their place below the student's folder.
        rejected: Why nothing is opened, or ''.
        submitted: When it was handed in, as the course system says it.
        review: What an instructor should look at.
        unsettled: Why no mark is given until an instructor has decided whose it is.
        sources: What the course system calls whoever handed in something under this name.
    """

    student: str
    files: list[File] = field(default_factory=list)
    rejected: str = ""
    submitted: str | None = None
    review: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    sources: dict[str, None] = field(default_factory=dict)

    def digest(self) -> str:
        """Return a hash of the files' names and bytes, and of which is newer than which."""
        sha = hashlib.sha256(self.rejected.encode("utf-8", "surrogateescape"))
        for file in sorted(self.files, key=lambda file: (file.modified, file.place)):
            name = "/".join(file.place).encode("utf-8", "surrogatepass")
            # With its length: no name can pass for another name and what follows it.
            sha.update(b"%d %s\0" % (len(name), name))
            try:
                sha.update(hashlib.sha256(read_regular(file.path)).digest())
            except OSError as error:
                sha.update(str(error).encode("utf-8", "surrogateescape"))
        return sha.hexdigest()

    def put(self, file: File) -> None:
        """Add a file; one that is not opened rejects them all, and so do too many."""
        self.rejected = self.rejected or file.reason
        self.files.append(file)
        if len(self.files) > MAX_FILES:
            self.files.clear()
            self.rejected = f"more than {MAX_FILES} files"


def take_in(source: Path, lab: str, spool: Path, system: str | None = None) -> list[Submission]:
    """Return what each student handed in, by name.

    Args:
        source: A folder, an archive, or a CSV file with the columns `student`, `path` and, if
            known, `submitted`.
        lab: The lab's name.
        spool: Where to unpack an archive.
        system: The course system whose export it is; None: find out.

    Raises:
        StudyError: Nothing is there, or it is none of these.
    """
    if source.is_dir():
        found = _by_student(in_folder(source), source.name, lab, system)
    elif is_archive(source.name) and source.is_file():
        found = _by_student(in_archive(source, spool), "", lab, system)
    elif source.suffix.lower() == ".csv" and source.is_file():
        found = _listed(source)
    else:
        raise StudyError(
            f"cannot grade {source}: give a folder, a zip or tar archive, or a CSV file with the "
            "columns student and path"
        )
    if not found:
        raise StudyError(f"nothing was handed in below {source}: is it the right folder?")
    for submission in found.values():
        _doubt(submission)
    return [found[name] for name in sorted(found)]


def _by_student(
    files: list[File], folder: str, lab: str, system: str | None
) -> dict[str, Submission]:
    wrapper, files = without_wrapper(files)
    folder = wrapper or folder
    found: dict[str, Submission] = {}
    key = next((file for file in files if file.place == (gradescope.NAME,)), None)
    rest = [file for file in files if file is not key]
    people = gradescope.people(key.path) if key and not key.reason else {}
    tops = _tops(file for file in rest if file.place[0] not in people)
    named = owners(tops, lab, system if system != "gradescope" else None)
    named = {top: _of_classroom(owner, top, tops, folder) for top, owner in named.items()}
    for file in _last_attempts(rest, named):
        top = file.place[0]
        below = file.below(1) if len(file.place) > 1 else file
        for owner in people.get(top) or [named.get(top) or Owner(top, top)]:
            _put(found, owner, below)
    deep = {file.place[0] for file in rest if len(file.place) > 1}
    both = {named[file.place[0]].source for file in rest if file.place[0] in deep & named.keys()
            if len(file.place) == 1}  # fmt: skip
    for submission in found.values():
        if both & submission.sources.keys():
            submission.unsettled.append("a file and a folder have this name")
    return found


def _tops(files: Iterable[File]) -> dict[str, Path | None]:
    """Return the entries at the top: for a file its path, for a folder None."""
    tops: dict[str, Path | None] = {}
    for file in files:
        top = file.place[0]
        deep = len(file.place) > 1 or (file.path.is_dir() and not file.path.is_symlink())
        tops[top] = None if deep or (top in tops and tops[top] is None) else file.path
    return tops


def _of_classroom(owner: Owner, top: str, tops: Mapping[str, Path | None], folder: str) -> Owner:
    """Return an owner without what GitHub Classroom puts before: `x-ada` in `x-submissions`."""
    prefix = folder.removesuffix("submissions")
    if prefix in (folder, "") or tops[top] is not None or not top.startswith(prefix):
        return owner
    return Owner(top.removeprefix(prefix), top, None, owner.note)


def _last_attempts(files: list[File], named: Mapping[str, Owner]) -> list[File]:
    """Return the files without those of attempts that a later one of the same person replaces."""
    last: dict[str, str] = {}
    for file in files:
        owner = named.get(file.place[0])
        if owner and owner.submitted and not file.place[0].lower().endswith(".txt"):
            last[owner.source] = max(last.get(owner.source, ""), owner.submitted)
    return [
        file
        for file in files
        if not (owner := named.get(file.place[0]))
        or not owner.submitted
        or owner.submitted == last.get(owner.source, owner.submitted)
    ]


def _put(found: dict[str, Submission], owner: Owner, file: File) -> None:
    name = identity(owner.name)
    submission = found.setdefault(name, Submission(name))
    submission.sources[owner.source] = None
    submission.submitted = owner.submitted or submission.submitted
    if owner.note and owner.note not in submission.review:
        submission.review.append(owner.note)
    submission.put(file)


def _doubt(submission: Submission) -> None:
    """Note what about a submission is not certain."""
    submission.files.sort(key=lambda file: file.place)
    submission.unsettled = list(dict.fromkeys(submission.unsettled))
    if len(submission.sources) > 1:
        sources = ", ".join(visible(source) for source in sorted(submission.sources)[:5])
        submission.unsettled.append(f"several have handed in under this name: {sources}")
    if submission.submitted and parse_time(submission.submitted) is None:
        submission.review.append(
            f"when it was handed in is not understood: {visible(submission.submitted)}"
        )


def _listed(source: Path) -> dict[str, Submission]:
    """Read a list of submissions; paths are relative to it."""
    found: dict[str, Submission] = {}
    for number, row in enumerate(read_table(source, ("student", "path")), start=1):
        if not row["student"].strip():
            raise StudyError(f"{source}: row {number} names no student: {row['path']}")
        owner = Owner(
            row["student"].strip(), f"row {number}", row.get("submitted", "").strip() or None
        )
        for file in _of_row(source.parent, row["path"].strip()):
            _put(found, owner, file)
    return found


def _of_row(folder: Path, path: str) -> list[File]:
    """Return the files that a row of a list means."""
    if not path or "\0" in path:
        return [File(("?",), folder, 0.0, "the list names no file")]
    target = folder / path
    if target.is_dir() and not target.is_symlink():
        if target.resolve() == folder.resolve():
            return [File(("?",), folder, 0.0, "the list names its own folder, where all lies")]
        files = in_folder(target)
        return files or [File((target.name,), target, 0.0, "the folder is empty")]
    return [one_file(target)]
