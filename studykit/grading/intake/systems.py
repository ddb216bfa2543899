"""Which course system an export comes from, and who is behind each of its entries.

An export is recognised as a whole, by the names of all that lies at its top. A single name is never
taken for another system's: what stands in it behind the student's part, the student wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, TypeAlias

from studykit.errors import StudyError

_MOODLE: Final = re.compile(r"(?P<who>.+?_\d+)_assignsubmission_[a-z]+(?:_.*)?", re.DOTALL)
_CANVAS: Final = re.compile(r"(?P<who>[^_]+)_(?P<late>LATE_)?(?P<number>\d+)_\d+_.+", re.DOTALL)
_BLACKBOARD: Final = re.compile(
    r"(?P<head>.+?_.+?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_.*|\.\w+)?", re.DOTALL
)
_RECEIPT_NAME: Final = re.compile(r"Name: .*\((?P<user>[^()]+)\)\s*")
_RECEIPT_TIME: Final = re.compile(r"Date Submitted: .*?(?P<zone>[A-Z]{2,5})\s*")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who handed in an entry of an export.

    Args:
        name: The student.
        source: What the course system calls the person; one name with two sources is two people.
        submitted: When it was handed in, as text, where the name says so.
        note: What an instructor should know.
    """

    name: str
    source: str
    submitted: str | None = None
    note: str = ""


Reader: TypeAlias = Callable[[str], "Owner | None"]


LONGEST: Final = 1_000
"""No system writes longer names; patterns take long for what is made to fit nearly."""
SYSTEMS: Final = ("blackboard", "canvas", "gradescope", "moodle", "plain")


def is_of_a_system(names: Collection[str]) -> bool:
    """Return whether all names are as a course system gives them to files."""
    patterns = (_MOODLE, _CANVAS, _BLACKBOARD)
    return any(
        all(len(name) <= LONGEST and pattern.fullmatch(name) for name in names)
        for pattern in patterns
    )


def owners(
    tops: Mapping[str, Path | None], lab: str, system: str | None = None
) -> dict[str, Owner]:
    """Return who is behind each entry at the top of an export.

    Args:
        tops: The names of the entries; for a file its path, for a folder None.
        lab: The lab's name, which many people put into a file's name.
        system: `moodle`, `canvas`, `blackboard` or `plain`; None: find out.

    Raises:
        StudyError: The names fit two systems.
    """
    readers = _readers(tops)
    fitting = {name: _read(reader, tops) for name, reader in readers.items()}
    if system is None:
        whole = [name for name, found in fitting.items() if tops and len(found) == len(tops)]
        most = [name for name, found in fitting.items() if 2 * len(found) > len(tops)]
        if len(whole) > 1:
            raise StudyError(
                f"the names of the export fit {' and '.join(whole)}: say which by --system"
            )
        system = next(iter(whole or most), "plain")
    found = fitting.get(system, {})
    note = f"its name is not of the form that {system} gives" if found else ""
    others = {
        name: Owner(_plain(name, lab, folder=tops[name] is None), name, None, note)
        for name in tops.keys() - found.keys()
    }
    return found | others


def _read(reader: Reader, tops: Mapping[str, Path | None]) -> dict[str, Owner]:
    found = {name: reader(name) for name in tops if len(name) <= LONGEST}
    return {name: owner for name, owner in found.items() if owner is not None}


def _readers(tops: Mapping[str, Path | None]) -> dict[str, Reader]:
    return {
        "moodle": _moodle,
        "canvas": lambda name: None if tops[name] is None else _canvas(name),
        "blackboard": _Blackboard(tops).owner,
    }


def _moodle(name: str) -> Owner | None:
    found = _MOODLE.fullmatch(name)
    return Owner(found["who"], found["who"]) if found else None


def _canvas(name: str) -> Owner | None:
    found = _CANVAS.fullmatch(name)
    if found is None:
        return None
    who = f"{found['who']}_{found['number']}"
    return Owner(who, who, "late, says Canvas, which names no time" if found["late"] else None)


class _Blackboard:
    """`TITLE_USER_attempt_TIME_FILE`: title and user may hold underscores, the title is one."""

    def __init__(self, tops: Mapping[str, Path | None]) -> None:
        matches = {name: _BLACKBOARD.fullmatch(name) for name in tops
                   if tops[name] is not None and len(name) <= LONGEST}  # fmt: skip
        self._found = {name: found for name, found in matches.items() if found is not None}
        self._receipts = {
            found["head"] + found["when"]: receipt
            for name, found in self._found.items()
            if name == f"{found['head']}_attempt_{found['when']}.txt"
            if (receipt := _receipt(tops[name]))
        }
        heads = sorted({found["head"] for found in self._found.values()})
        self._title = self._said_title(heads) or _common_title(heads)

    def owner(self, name: str) -> Owner | None:
        found = self._found.get(name)
        if found is None:
            return None
        user = found["head"].removeprefix(self._title)
        day, clock = found["when"][:10], found["when"][11:].replace("-", ":")
        _, zone = self._receipts.get(found["head"] + found["when"], ("", ""))
        return Owner(user, user, f"{day} {clock} {zone}".strip())

    def _said_title(self, heads: list[str]) -> str:
        """Return the title by what the receipts call the users, if all agree; else ''."""
        titles = set()
        for found in self._found.values():
            user, _ = self._receipts.get(found["head"] + found["when"], ("", ""))
            if user and found["head"].endswith(f"_{user}"):
                titles.add(found["head"].removesuffix(user))
        title = titles.pop() if len(titles) == 1 else ""
        return title if all(head.startswith(title) and head != title for head in heads) else ""


def _common_title(heads: list[str]) -> str:
    """Return what all heads begin with, up to an underscore; of one head, up to its last."""
    if not heads:
        return ""
    common = 0
    while common < min(map(len, heads)) and len({head[common] for head in heads}) == 1:
        common += 1
    first = heads[0][:common] if len(heads) > 1 else heads[0]
    return first[: first.rfind("_") + 1]


def _receipt(path: Path | None) -> tuple[str, str] | None:
    """Return the user and the zone that a receipt of Blackboard's names in its first lines."""
    try:
        lines = path.read_bytes()[:2_000].decode("utf-8").splitlines() if path else []
    except (OSError, UnicodeDecodeError):
        return None
    user = _RECEIPT_NAME.fullmatch(lines[0]) if lines else None
    times = [_RECEIPT_TIME.fullmatch(line) for line in lines[1:4]]
    zone = next((found["zone"] for found in times if found), "")
    return (user["user"] if user else "", "" if zone in ("AM", "PM") else zone)


def _plain(name: str, lab: str, *, folder: bool) -> str:
    """Return the student of a folder, or of a file without the lab in its name."""
    if folder:
        return name
    stem = PurePath(name).name
    for suffix in (".txt", ".json", ".ipynb", ".gz", ".bz2", ".xz", ".tar", ".zip", ".tgz"):
        if stem.lower().endswith(suffix):
            stem = stem[: -len(suffix)]
    short = lab.partition("_")[0]
    rest = re.sub(rf"(?i)(^|[-_ ])(?:my_)?(?:{lab}|{short})(?=[-_ ]|$)", "", stem).strip("-_ ")
    return rest or stem or name
