"""When something was handed in: every form that course systems write, and how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Final
from zoneinfo import ZoneInfo

from studykit.errors import StudyError

EASTERNMOST: Final = timedelta(hours=14)
WESTERNMOST: Final = timedelta(hours=-12)

_ABBREVIATIONS: Final = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "AWST": 8, "AEST": 10, "AEDT": 11,
    "NZST": 12, "NZDT": 13, "EST": -5, "EDT": -4, "CDT": -5, "MDT": -6, "PDT": -7, "AKST": -9,
    "HST": -10,
}  # fmt: skip
"""Hours from UTC of the abbreviations that mean one zone only. CST, IST, BST, MST, PST do not."""
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt",
         "nov", "dec dez"), 1)
    for name in names.split()
}  # fmt: skip

_ISO: Final = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?:[T ]+|, *)(?P<H>\d\d?):(?P<M>\d\d)"
    r"(?::(?P<S>\d\d)(?:[.,](?P<f>\d+))?)?(?P<rest>.*)"
)
_DASHED: Final = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)-(?P<H>\d\d)-(?P<M>\d\d)-(?P<S>\d\d)(?P<rest>)"
)
_DOTTED: Final = re.compile(
    r"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4}),? +"
    r"(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d))?(?P<rest>.*)"
)
_DAY_FIRST: Final = re.compile(
    r"(?:[^\W\d]+,? +)?(?P<d>\d\d?)\.? +(?P<month>[^\W\d]{3,9})\.?,? +(?P<y>\d{4}),?(?: at)? +"
    r"(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d))?(?P<rest>.*)"
)
_MONTH_FIRST: Final = re.compile(
    r"(?:[^\W\d]+,? +)?(?P<month>[^\W\d]{3,9})\.? +(?P<d>\d\d?),? +(?P<y>\d{4}),?(?: at)? +"
    r"(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d))?(?P<rest>.*)"
)
_FORMS: Final = (_ISO, _DASHED, _DOTTED, _DAY_FIRST, _MONTH_FIRST)
_REST: Final = re.compile(
    r" *(?P<half>[ap]\.?m\.?)?(?: *(?:o'clock|Uhr))? *\(?(?:(?P<name>[A-Z]{1,5})?"
    r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?|(?P<zone>[A-Za-z]{1,5}))?\)?",
    re.IGNORECASE,
)
_EPOCH: Final = re.compile(r"(\d{9,10})(?:\.\d+)?|(\d{12,13})(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: not before `earliest`, not after `latest`; mostly both are one."""

    earliest: datetime
    latest: datetime


def parse_time(text: str, zone: tzinfo | None = None) -> Moment | None:
    """Return the moment that a text names; None where that is not understood.

    Understood are ISO 8601, seconds and milliseconds since 1970, RFC 2822, and the dates that
    Moodle, Canvas, Blackboard, Gradescope and nbgrader write. Understood is only what has one
    meaning: no `03/05/2026`, and no day without a clock.

    Args:
        text: The text.
        zone: The course's zone, for texts that name none. Without it such a text may mean any zone
            on Earth.

    >>> parse_time("05.03.2026 00:30", timezone.utc).latest.isoformat()
    '2026-03-05T00:30:00+00:00'
    >>> parse_time("1772999999").latest.isoformat()
    '2026-03-08T19:59:59+00:00'
    """
    text = text.strip()
    if len(text) > 100 or not text.isprintable():
        return None
    try:
        if found := _EPOCH.fullmatch(text):
            return _exact(_epoch(float(found[1] or found[2]), found[1] is None))
        for form in _FORMS:
            if found := form.fullmatch(text):
                return _placed(found, zone)
        return _exact(parsedate_to_datetime(text)) if re.search(r"[+-]\d{4}$", text) else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def find_zone(name: str) -> tzinfo:
    """Return a zone by its name, as in `Europe/Berlin`, or by its distance from UTC: `+01:00`.

    Raises:
        StudyError: There is no such zone.
    """
    try:
        if re.fullmatch(r"[+-]\d\d:\d\d", name):
            return datetime.fromisoformat(f"2000-01-01T00:00{name}").tzinfo or timezone.utc
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: not in the database
        raise StudyError(
            f"there is no zone {name!r}: write it as Europe/Berlin or +01:00"
        ) from None


def _placed(found: re.Match[str], zone: tzinfo | None) -> Moment | None:
    """Return the moment of a date and a clock, by the zone behind them or the one of the course."""
    parts = found.groupdict()
    rest = _REST.fullmatch(parts["rest"])
    month = int(parts["m"]) if "m" in parts else _MONTHS.get(parts["month"][:3].lower(), 0)
    if rest is None:
        return None
    hour = _hour(int(parts["H"]), (rest["half"] or "")[:1].lower())
    local = datetime(  # noqa: DTZ001 - its zone is found below
        int(parts["y"]),
        month,
        int(parts["d"]),
        hour,
        int(parts["M"]),
        int(parts["S"] or 0),
        int(f"{parts.get('f') or 0:0<6}"[:6]),
    )
    if rest["sign"]:
        offset = timedelta(hours=int(rest["hours"]), minutes=int(rest["minutes"] or 0))
        written = timezone(offset if rest["sign"] == "+" else -offset)
        return _exact(local.replace(tzinfo=written))
    if rest["zone"]:
        hours = _ABBREVIATIONS.get(rest["zone"].upper())
        if hours is None:
            return None
        return _exact(local.replace(tzinfo=timezone(timedelta(hours=hours))))
    return _local(local, zone)


def _local(local: datetime, zone: tzinfo | None) -> Moment:
    """Return when a clock in a zone shows a time: twice where it is set back, anywhere if None."""
    if zone is None:
        return Moment(
            local.replace(tzinfo=timezone(EASTERNMOST)).astimezone(timezone.utc),
            local.replace(tzinfo=timezone(WESTERNMOST)).astimezone(timezone.utc),
        )
    both = [local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1)]
    return Moment(min(both), max(both))


def _hour(hour: int, half: str) -> int:
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("no hour of a clock of twelve")
    return hour % 12 + (12 if half == "p" else 0)


def _epoch(number: float, milliseconds: bool) -> datetime:
    return datetime.fromtimestamp(number / 1_000 if milliseconds else number, timezone.utc)


def _exact(moment: datetime) -> Moment:
    moment = moment.astimezone(timezone.utc)
    return Moment(moment, moment)
