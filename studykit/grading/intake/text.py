"""Names and reasons from strangers, as text that can be shown everywhere and is still theirs."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path
from typing import Final

from studykit.errors import StudyError

_FORMULA: Final = frozenset("=+-@")


def visible(text: str) -> str:
    r"""Return a text of visible characters on one line; different texts stay different.

    What cannot be seen or changes how the rest is shown is written as its number, and so is a byte
    that is no UTF-8. A backslash is doubled.

    >>> visible("a\x1b[2J\udce9\n"), visible("C:\\x")
    ('a\\u{1b}[2J\\xe9\\u{a}', 'C:\\\\x')
    """
    return "".join(_visible(character) for character in text)


def printable(text: str) -> str:
    """Return a text of several lines without characters that steer a terminal or hide others."""
    return "".join(
        character if character == "\n" or character.isprintable() else _visible(character)
        for character in text
    )


def guarded(text: str) -> str:
    """Return a text that no spreadsheet calculates; different texts stay different.

    Spreadsheets take full-width signs for their plain ones, and skip spaces before them.
    """
    plain = unicodedata.normalize("NFKC", text).lstrip()
    risky = plain[:1] in _FORMULA or text.startswith(("\t", "\r", "'"))
    return f"'{text}" if risky and plain else text


def read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a CSV file, without those that are empty.

    Raises:
        StudyError: It cannot be read, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            # A row that is too long has a list under None; a short one has None in its cells.
            rows = [{str(k): v or "" for k, v in row.items() if isinstance(k, str)
                     and not isinstance(v, list)} for row in reader]  # fmt: skip
            names = list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"cannot read {path}: {error}") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise StudyError(f"{path} has no column {missing[0]!r}: its first line names the columns")
    return [row for row in rows if any(text.strip() for text in row.values())]


def _visible(character: str) -> str:
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    if character == "\\":
        return "\\\\"
    return character if character.isprintable() else f"\\u{{{number:x}}}"
