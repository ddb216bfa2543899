"""The grade file of a course system: read as the system wrote it, and given back with the marks.

Only the cells of one column change. A row takes a mark if what the system calls the person is what
the submission was called; whatever is not certain is left as it is, and said.

The columns are those that the systems write: Moodle's grading worksheet (its importer asks for
`Identifier`, `Grade` and `Last modified (grade)`), the gradebook export of Canvas (assignments end
in their number, a row names the points possible), that of Blackboard (`[Total Pts: 5 Score] |123`,
often UTF-16 with tabs), Gradescope's scores of an assignment, and the grades of GitHub Classroom.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Final, TypeAlias

from studykit.errors import StudyError
from studykit.grading.book.marks import Mark, as_text
from studykit.grading.intake.identity import alike, identity
from studykit.grading.intake.text import visible

Row: TypeAlias = Mapping[str, str]

_NUMBERED: Final = re.compile(r"(?P<who>.*)_(?P<number>\d+)", re.DOTALL)
_CANVAS_COLUMN: Final = re.compile(r".+ \(\d+\)")
_BLACKBOARD_COLUMN: Final = re.compile(r".+\[Total Pts: (?:up to )?(?P<most>[\d.,]+)[^\]]*\].*")
_POINTS_POSSIBLE: Final = "Points Possible"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a course system lays out grades.

    Args:
        system: Its name.
        needs: The columns by which the file is known.
        marks: The pattern of columns that take a mark.
        names: From a row to what the submission of its person may be called; none: no person.
        key: From a student's name to the part that the row has, too.
        most: The column of the most points; '' where another place names them.
        person: The column of the full name, to be compared where a number alone is the key.
    """

    system: str
    needs: frozenset[str]
    marks: re.Pattern[str]
    names: Callable[[Row], list[str]]
    key: Callable[[str], str]
    most: str = ""
    person: str = ""


def _whole(name: str) -> str:
    return name


def _number(name: str) -> str:
    found = _NUMBERED.fullmatch(name)
    return found["number"] if found else ""


def _moodle(row: Row) -> list[str]:
    digits = row["Identifier"].rpartition(" ")[2]
    return [digits] if digits.isdecimal() else []


def _canvas(row: Row) -> list[str]:
    return [row["ID"].strip()] if row["ID"].strip().isdecimal() else []


def _gradescope(row: Row) -> list[str]:
    name = row.get("Name") or f"{row.get('First Name', '')} {row.get('Last Name', '')}".strip()
    full = "_".join(filter(None, [name, row["SID"]]))
    return [identity(text) for text in (full or row["Email"],) if text]


LAYOUTS: Final = (
    Layout(
        "moodle",
        frozenset({"Identifier", "Grade", "Last modified (grade)"}),
        re.compile("Grade"),
        _moodle,
        _number,
        most="Maximum Grade",
        person="Full name",
    ),
    Layout("canvas", frozenset({"Student", "ID", "Section"}), _CANVAS_COLUMN, _canvas, _number),
    Layout(
        "gradescope",
        frozenset({"SID", "Email", "Total Score"}),
        re.compile("Total Score"),
        _gradescope,
        _whole,
        most="Max Points",
    ),
    Layout(
        "classroom",
        frozenset({"github_username", "points_awarded"}),
        re.compile("points_awarded"),
        lambda row: [identity(row["github_username"])] if row["github_username"] else [],
        _whole,
        most="points_available",
    ),
    Layout(
        "blackboard",
        frozenset({"Username"}),
        _BLACKBOARD_COLUMN,
        lambda row: [identity(row["Username"])] if row["Username"] else [],
        _whole,
    ),
)


@dataclass(frozen=True, slots=True)
class Filling:
    """What became of a grade file.

    Args:
        text: The file with the marks, as it is to be written.
        rows: The number of the row of each student who has one.
        without_row: Students who have a mark and no row, or one that may be another's.
        scaled: From how many points to how many the marks were scaled; None: not at all.
    """

    text: bytes
    rows: Mapping[str, int]
    without_row: tuple[str, ...]
    scaled: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class GradeFile:
    """A grade file as it was read."""

    path: Path
    layout: Layout
    column: int
    lines: tuple[tuple[str, ...], ...]
    encoding: str
    dialect: type[csv.Dialect]

    @classmethod
    def read(cls, path: Path, column: str | None = None) -> GradeFile:
        """Read a file; `column` names where the marks go if several could take them.

        Raises:
            StudyError: It cannot be read, is of no known system, or the column is not certain.
        """
        text, encoding = _decoded(path)
        dialect = _dialect(text)
        try:
            # Newline "": a line end within a quoted cell stays the one that the system wrote.
            lines = tuple(tuple(line) for line in csv.reader(io.StringIO(text, ""), dialect))
        except csv.Error as error:
            raise StudyError(f"cannot read {path}: {error}") from None
        head = lines[0] if lines else ()
        for layout in LAYOUTS:
            if layout.needs <= set(head) and any(map(layout.marks.fullmatch, head)):
                chosen = _column(path, layout, head, column)
                return cls(path, layout, chosen, lines, encoding, dialect)
        raise StudyError(
            f"{path} is no grade file of Moodle, Canvas, Blackboard, Gradescope or GitHub "
            f"Classroom as they export it in English; its columns are: {visible(', '.join(head))}"
        )

    @property
    def name(self) -> str:
        """Name of the file with the marks."""
        return f"marks-for-{self.layout.system}{self.path.suffix}"

    def check(self, students: Collection[str]) -> None:
        """Make sure that the file is of the class whose submissions are graded.

        Raises:
            StudyError: No row is of any of the students.
        """
        if not self._rows(students):
            raise StudyError(
                f"{self.path}: no row is of a student of this class: is it the file of this "
                f"assignment, and are these the submissions that {self.layout.system} exported?"
            )

    def fill(self, marks: Sequence[Mark], out_of: int) -> Filling:
        """Return the file with the marks of everybody who has one and whose row is certain.

        Marks are scaled where the file's most points are others than the lab's.
        """
        known = {mark.student: mark for mark in marks if mark.total is not None}
        rows = self._rows(known)
        lines = [list(line) for line in self.lines]
        scaled = None
        for student, number in rows.items():
            most = self._most(number)
            points = known[student].total or Decimal(0)
            if (size := _amount(most)) and size != out_of:
                points = (points * size / out_of).quantize(Decimal("0.01"), ROUND_HALF_UP)
                scaled = (out_of, most)
            lines[number][self.column] = _as_in(as_text(points), most)
        text = io.StringIO()
        csv.writer(text, self.dialect).writerows(lines)
        absent = tuple(sorted(known.keys() - rows.keys()))
        return Filling(text.getvalue().encode(self.encoding), rows, absent, scaled)

    def _rows(self, known: Collection[str]) -> dict[str, int]:
        """Return the row of each student; of two students or rows of one key, none."""
        keys = Counter(self.layout.key(student) for student in known)
        students = {self.layout.key(s): s for s in known if keys[self.layout.key(s)] == 1}
        named = {
            n: name for n in range(1, len(self.lines)) for name in self.layout.names(self._row(n))
        }
        times = Counter(named.values())
        return {
            students[name]: number
            for number, name in named.items()
            if name and times[name] == 1 and name in students
            if len(self.lines[number]) > self.column
            if self._same_person(number, students[name])
        }

    def _same_person(self, number: int, student: str) -> bool:
        """Return whether the name in a row, if it has one, is that of the submission."""
        full = self._row(number).get(self.layout.person, "")
        found = _NUMBERED.fullmatch(student)
        return not full or found is None or alike(full) == alike(found["who"])

    def _row(self, number: int) -> Row:
        line = self.lines[number]
        return dict(zip(self.lines[0], [*line, *[""] * len(self.lines[0])], strict=False))

    def _most(self, number: int) -> str:
        """Return the most points of a row as the file writes them; '' where it does not say."""
        if self.layout.most:
            return self._row(number).get(self.layout.most, "")
        if found := _BLACKBOARD_COLUMN.fullmatch(self.lines[0][self.column]):
            return found["most"]
        possible = (line for line in self.lines if line and line[0].strip() == _POINTS_POSSIBLE)
        return next((line[self.column] for line in possible if len(line) > self.column), "")


def _decoded(path: Path) -> tuple[str, str]:
    """Return the text of a file and its encoding, which is UTF-8 or UTF-16 with a mark."""
    try:
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        marked = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
        encoding = "utf-16" if wide else marked
        return data.decode(encoding), encoding
    except (OSError, UnicodeError) as error:
        raise StudyError(f"cannot read {path}: {error}") from None


def _dialect(text: str) -> type[csv.Dialect]:
    """Return how the cells of a file are divided and quoted, by its first line."""
    first = text.split("\n", 1)[0].rstrip("\r")
    mark = max(",;\t", key=first.count)
    everything = all(cell.startswith('"') for cell in first.split(mark))

    class OwnDialect(csv.excel):
        delimiter = mark
        lineterminator = "\r\n" if "\r\n" in text else "\n"
        quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL

    return OwnDialect


def _column(path: Path, layout: Layout, head: Sequence[str], wanted: str | None) -> int:
    """Return the place of the column that takes the marks.

    Raises:
        StudyError: No column has that name, or several could take the marks.
    """
    found = [place for place, name in enumerate(head) if layout.marks.fullmatch(name)]
    chosen = [place for place in found if wanted is None or head[place] == wanted]
    if len(chosen) != 1:
        names = ", ".join(repr(visible(head[place])) for place in found)
        raise StudyError(f"{path}: say with --column which of these takes the marks: {names}")
    return chosen[0]


def _amount(text: str) -> Decimal | None:
    """Return a number of points that is not zero; None where a text is none."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount > 0 else None


def _as_in(points: str, other: str) -> str:
    """Return points with a decimal comma where another number of the file has one."""
    return points.replace(".", ",") if "," in other and "." not in other else points
