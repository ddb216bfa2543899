"""Event time for Flink's watermark: read from the payload by a pattern, before Python decodes it.

Flink keeps a watermark for each partition only in its source, and the source runs SQL alone. The
watermark must never get ahead of the verdicts, or windows would drop events without a trace. So the
watermark follows *plain events* only: flat JSON objects without escapes. Whatever a pattern
matches, the decoder accepts, with the same event time; a test compares the two on random payloads.
An event that no pattern matches is judged and counted all the same; only the watermark does not
follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flink_jobs.events import CLICKSTREAM, TRANSACTIONS

GROUP: Final = 2
"""The group of a pattern that is the event time, epoch milliseconds."""

MAX_TEXT: Final = 4_096
"""How many characters a plain event has at most: key, separator and value together. Longer text is
cut before any pattern searches it, and matches none."""

SEPARATOR: Final = "\x01"
"""The character between a record's key and its value; no key or value that matches contains it."""

_END: Final = r"(?!.)"  # in Java, $ would also match before a last line separator
_GAP: Final = r"[ \t\n\r]*"
# A list and no range: Java looks single characters up in a table, and tests a range beside it.
_CONTROL: Final = "".join(f"\\x{code:02x}" for code in range(32))
# No quote and no backslash: an escape could spell a field's name in another way. No opening
# bracket: the object is flat. U+FFFD stands for bytes that are not UTF-8, which the decoder
# refuses.
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

    A field that stands twice does no harm: the decoder and a group both keep the last one. Behind
    each required field stands an empty group, and at the end a reference to each of these groups:
    a reference fails where its field was missing. To search for each field by itself costs three
    times as much.

    Repetitions of a group are possessive (`++`), which Java runs in a loop. Java runs every other
    repetition of a group by recursion, so that an object of three hundred fields would overflow the
    stack and end the job. No match is lost: an object can be split into its fields in one way only.
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
"""The patterns, by topic, that find event time in a record's key, the separator and its value."""
