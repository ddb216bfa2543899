"""Event time for Flink's watermark: read from the payload by a pattern, before Python decodes it.

Flink has a watermark for each partition only where it reads them, and there it runs SQL alone. The
watermark must never get ahead of the verdicts, or windows would lose events without a trace. So it
follows *plain events* only: flat JSON objects without escapes. Whatever a pattern matches, the
decoder accepts, with the same event time. What it does not match is judged and counted all the
same; it merely does not move the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flink_jobs.events import CLICKSTREAM, TRANSACTIONS

GROUP: Final = 2
"""The group of a pattern that is the event time, epoch milliseconds."""

MAX_TEXT: Final = 4_096
"""How many characters a plain event has at most: key, separator and value together."""

SEPARATOR: Final = "\x01"
"""Stands between a record's key and its value; neither may contain it where a pattern matches."""

_END: Final = r"(?!.)"  # in Java, $ would also match before a last line separator
_GAP: Final = r"[ \t\n\r]*"
# One by one, because Java looks single characters up in a table, and tests a range beside it.
_CONTROL: Final = "".join(f"\\x{code:02x}" for code in range(32))
_CHARACTER: Final = rf"[^\"\\\[{{{_CONTROL}\uFFFD]"
_TEXT: Final = f'"{_CHARACTER}*"'
_ID: Final = f'"{_CHARACTER}{{1,64}}"'
_KEY: Final = r'"\1"'
_FRACTION: Final = r"(?:\.[0-9]{1,17})?(?:[eE]-[0-9]{1,2})?"
_NUMBER: Final = rf"-?(?:0|[1-9][0-9]{{0,14}}){_FRACTION}"
_CENTS: Final = r"(?:0|[1-9][0-9]{0,8}|1000000000)"
_LAT: Final = rf"-?(?:[1-8]?[0-9]{_FRACTION}|90(?:\.0{{1,17}})?)"
_LON: Final = rf"-?(?:(?:1[0-7][0-9]|[1-9]?[0-9]){_FRACTION}|180(?:\.0{{1,17}})?)"
_TIME: Final = r"([1-9][0-9]{11,13})"

_TRANSACTION: Final = {
    "event_time": _TIME,
    "event_id": _ID,
    "card_id": _KEY,
    "merchant_id": _ID,
    "amount_cents": _CENTS,
    "country": '"[A-Z]{2}"',
    "lat": _LAT,
    "lon": _LON,
}
_CLICK: Final = {"event_time": _TIME, "event_id": _ID, "user_id": _KEY, "item_id": _ID}
_PURCHASE: Final = {**_CLICK, "event_type": '"purchase"', "amount_cents": _CENTS}
_NO_PURCHASE: Final = {
    **_CLICK,
    "event_type": '"(?:impression|page_view|click|add_to_cart)"',
}


def _plain(required: Mapping[str, str], optional: Mapping[str, str]) -> str:
    """Return the pattern of a key, a separator and an object with these fields and any others.

    A field that stands twice is no problem: the decoder and a group both keep the last. Behind each
    field that is required stands an empty group, and at the end a reference to each of these
    groups, which fails where the field was not there. To look for each field by itself costs three
    times as much.

    Repetitions are possessive (`++`): Java runs those in a loop. Any other repetition of a group it
    runs by recursion, so that an object of three hundred fields overflows the stack and ends the
    job. No match is lost: an object can be split into its fields in one way only.
    """
    names = "|".join([*required, *optional])
    known = "|".join(
        [f'{name}"{_GAP}:{_GAP}{value}()' for name, value in required.items()]
        + [f'{name}"{_GAP}:{_GAP}{value}' for name, value in optional.items()]
    )
    other = f'(?!(?:{names})"){_CHARACTER}*"{_GAP}:{_GAP}(?:{_TEXT}|{_NUMBER}|true|false|null)'
    member = rf'{_GAP}"(?:{known}|{other}){_GAP}(?:,(?!{_GAP}\}})|(?=\}}))'
    all_there = "".join(rf"\{GROUP + number}" for number, _ in enumerate(required, start=1))
    key = rf"({_CHARACTER}{{1,64}})"
    short = f"(?s)^(?=.{{1,{MAX_TEXT}}}+{_END})"
    return rf"{short}{key}{SEPARATOR}{_GAP}\{{(?:{member})++\}}{_GAP}{_END}{all_there}"


PLAIN_EVENTS: Final = {
    TRANSACTIONS: (_plain(_TRANSACTION, {}),),
    CLICKSTREAM: (_plain(_NO_PURCHASE, {"amount_cents": "null"}), _plain(_PURCHASE, {})),
}
"""By topic, the patterns that find event time in a record's key, a separator and its value."""
