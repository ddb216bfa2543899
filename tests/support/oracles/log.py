"""A second opinion on a whole log: records in, feature rows and dead letters out.

Like `oracle`, written from the documented contract and importing nothing of the engine, the
decoder or the features: plain `json`, exact fractions, sets, and one list of events per window.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import pstdev
from typing import Any, Final, NoReturn

from tests.support.oracles.event_time import (
    Emission,
    Item,
    Playback,
    Step,
    play_sessions,
    play_windows,
)

Fields = dict[str, Any]
Row = dict[str, Any]

MINUTE: Final = 60_000
SESSION_GAP: Final = 30 * MINUTE


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings that decide a result, all in milliseconds."""

    size: int = 5 * MINUTE
    slide: int = MINUTE
    bound: int = 30_000
    lateness: int = 0
    max_future: int = 5 * MINUTE


@dataclass(frozen=True)
class Results:
    """What a replay writes, as the dictionaries that its lines hold, in the order of its files."""

    rows: list[Row]
    letters: list[Row]


def replay(lines: Iterable[bytes], rules: Rules) -> Results:
    """Return what a replay of a log file must write."""
    partitions: dict[tuple[str, int], list[Row]] = {}
    for line in lines:
        record = json.loads(line)
        partitions.setdefault((record["topic"], record["partition"]), []).append(record)
    rows: list[Row] = []
    letters: list[Row] = []
    for records in partitions.values():
        more = _partition(records, rules)
        rows += more.rows
        letters += more.letters
    rows.sort(key=lambda r: [r[k] for k in ("feature_set", "key", "window_start", "window_end")])
    letters.sort(key=lambda r: (r["topic"], r["partition"], r["offset"], r["feature_set"] or ""))
    return Results(rows, letters)


def _partition(records: Sequence[Row], rules: Rules) -> Results:
    """One partition is a stream of its own."""
    letters = []
    items = []
    events: dict[int, Fields] = {}
    by_offset = {record["offset"]: record for record in records}
    for record in records:
        event = decode(record["topic"], bytes_of(record, "key"), bytes_of(record, "value"))
        if event is None:
            letters.append(_letter(record, "malformed"))
        elif event["event_time"] > record["timestamp"] + rules.max_future:
            letters.append(_letter(record, "future_timestamp", event_time=event["event_time"]))
        else:
            name = event["card_id" if record["topic"] == "transactions" else "user_id"]
            items.append(Item(record["offset"], name, event["event_time"]))
            events[record["offset"]] = event
    rows = []
    for feature_set, played in _play(records[0]["topic"], items, rules):
        rows += [_row(feature_set, emission, events) for emission in played.emissions]
        for step in played.steps:
            if step.missed:
                letters.append(_missed(by_offset[step.item.offset], feature_set, step))
    return Results(rows, letters)


def _play(topic: str, items: Sequence[Item], rules: Rules) -> Iterable[tuple[str, Playback]]:
    name = {"transactions": "fraud", "clickstream": "personalization"}[topic]
    yield (
        name,
        play_windows(
            items, size=rules.size, slide=rules.slide, bound=rules.bound, lateness=rules.lateness
        ),
    )
    if topic == "clickstream":
        yield "session", play_sessions(items, gap=SESSION_GAP, bound=rules.bound, strict=True)


def _row(feature_set: str, emission: Emission, events: dict[int, Fields]) -> Row:
    inside = [events[item.offset] for item in emission.items]
    compute = {"fraud": fraud, "personalization": personalization, "session": session}
    return {
        "feature_set": feature_set,
        "key": emission.key,
        "window_start": emission.start,
        "window_end": emission.end,
        "revision": emission.revision,
        "features": compute[feature_set](inside),
    }


def _missed(record: Row, feature_set: str, step: Step) -> Row:
    limit = int(step.watermark) + (feature_set == "session")
    return _letter(
        record,
        "partial_late" if step.kept else "late",
        feature_set=feature_set,
        event_time=step.item.time,
        watermark=int(step.watermark),
        late_by_ms=limit - step.item.time,
        missed_windows=None if feature_set == "session" else list(step.missed),
    )


def _letter(record: Row, reason: str, **known: object) -> Row:
    unknown = dict.fromkeys(
        ["feature_set", "event_time", "watermark", "late_by_ms", "missed_windows"]
    )
    place = {name: record[name] for name in ("topic", "partition", "offset")}
    return {"reason": reason, **unknown, **known, **place, **_original(record)}


def _original(record: Row) -> Row:
    value = bytes_of(record, "value")
    try:
        return {"original": None if value is None else value.decode()}
    except UnicodeDecodeError:
        return {"original_b64": b64encode(value or b"").decode()}


def bytes_of(record: Row, name: str) -> bytes | None:
    """Return the bytes of a record's key or value."""
    if f"{name}_b64" in record:
        return b64decode(record[f"{name}_b64"])
    text = record.get(name)
    return None if text is None else str(text).encode()


# Decoding.


class _Refusal(ValueError):
    pass


def decode(topic: str, key: bytes | None, value: bytes | None) -> Fields | None:
    """Return the fields of an event, or None where the record is none."""
    if value is None or len(value) > 65_536:
        return None
    if len(value) > 512 and sum(value.count(bracket) for bracket in (b"[", b"{")) > 64:
        return None
    try:
        pairs = json.loads(
            value.decode(),
            object_pairs_hook=_Pairs,
            parse_constant=_refuse,
            parse_int=lambda digits: int(digits) if len(digits) < 1_000 else math.inf,
        )
        json.dumps(pairs, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except (ValueError, RecursionError):
        return None
    return _checked(topic, key, pairs) if isinstance(pairs, _Pairs) else None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written: a name may stand in it twice, and both must be valid."""


def _refuse(constant: str) -> NoReturn:
    raise _Refusal(constant)


def _whole(low: int, high: int) -> Any:
    return lambda value: type(value) is int and low <= value <= high


def _angle(limit: int) -> Any:
    return lambda value: type(value) in (int, float) and -limit <= value <= limit


def _name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 64


CENTS = _whole(0, 10**9)
TIME = _whole(10**11, 253_402_300_799_999)
TYPES = ("impression", "page_view", "click", "add_to_cart", "purchase")

CHECKS: Final[dict[str, dict[str, Any]]] = {
    "transactions": {
        "event_id": _name,
        "card_id": _name,
        "merchant_id": _name,
        "amount_cents": CENTS,
        "country": lambda v: isinstance(v, str) and re.fullmatch("[A-Z][A-Z]", v) is not None,
        "lat": _angle(90),
        "lon": _angle(180),
        "event_time": TIME,
    },
    "clickstream": {
        "event_id": _name,
        "user_id": _name,
        "event_type": lambda v: isinstance(v, str) and v in TYPES,
        "item_id": _name,
        "event_time": TIME,
        "amount_cents": lambda v: v is None or CENTS(v),
    },
}


def _checked(topic: str, key: bytes | None, pairs: _Pairs) -> Fields | None:
    checks = CHECKS[topic]
    event: Fields = {"amount_cents": None} if topic == "clickstream" else {}
    event |= pairs
    if checks.keys() - event.keys():
        return None
    if not all(checks[name](value) for name, value in pairs if name in checks):
        return None
    if topic == "clickstream":
        owner = event["user_id"]
        if (event["event_type"] == "purchase") != (event["amount_cents"] is not None):
            return None
    else:
        owner = event["card_id"]
    return event if key == owner.encode() else None


# Features of the events of one window, in event-time order.


def fraud(payments: Sequence[Fields]) -> Row:
    """Return the fraud features."""
    amounts = [payment["amount_cents"] for payment in payments]
    merchants = {payment["merchant_id"] for payment in payments}
    countries = {payment["country"] for payment in payments}
    stops = [(payment["event_time"], payment["lat"], payment["lon"]) for payment in payments]
    legs = [leg(*a, *b) for a, b in pairwise(stops)]
    impossible = any(kmh > 900 and km >= 100 for km, kmh in legs)
    reasons = {
        "velocity": (25, len(payments) >= 5),
        "high_amount": (20, any(amount >= 500_00 for amount in amounts)),
        "high_total": (15, sum(amounts) >= 2_000_00),
        "many_merchants": (15, len(merchants) >= 4),
        "several_countries": (20, len(countries) >= 2),
        "impossible_travel": (40, impossible),
    }
    return {
        "tx_count": len(payments),
        "amount_sum_cents": sum(amounts),
        "amount_max_cents": max(amounts),
        "amount_mean_cents": float(Fraction(sum(amounts), len(amounts))),
        "amount_std_cents": pstdev(amounts),
        "distinct_merchants": len(merchants),
        "distinct_countries": len(countries),
        "max_speed_kmh": max((kmh for _, kmh in legs), default=None),
        "impossible_travel": impossible,
        "risk_score": min(100, sum(points for points, holds in reasons.values() if holds)),
        "reason_codes": [code for code, (_, holds) in reasons.items() if holds],
        "score_version": 1,
        "updated_event_time": max(payment["event_time"] for payment in payments),
    }


def leg(
    time_a: int, lat_a: float, lon_a: float, time_b: int, lat_b: float, lon_b: float
) -> tuple[float, float]:
    """Return kilometres and km/h between two stops: a haversine by the half-angle tangent."""
    north, east = math.radians(lat_b - lat_a), math.radians(lon_b - lon_a)
    flat = math.cos(math.radians(lat_a)) * math.cos(math.radians(lat_b))
    h = min(1.0, math.sin(north / 2) ** 2 + flat * math.sin(east / 2) ** 2)
    km = 2 * 6371.0088 * math.atan2(math.sqrt(h), math.sqrt(1 - h))
    return km, km * 3_600_000 / max(time_b - time_a, 1_000)


def personalization(clicks: Sequence[Fields]) -> Row:
    """Return the personalization features."""
    of = Counter(click["event_type"] for click in clicks)
    return {
        "events": len(clicks),
        "impressions": of["impression"],
        "page_views": of["page_view"],
        "clicks": of["click"],
        "add_to_carts": of["add_to_cart"],
        "purchases": of["purchase"],
        "purchase_sum_cents": sum(click["amount_cents"] or 0 for click in clicks),
        "distinct_items": len({click["item_id"] for click in clicks}),
        "ctr": _share(of["click"], of["impression"]),
        "conversion_rate": _share(of["purchase"], of["page_view"]),
        "engagement_score": of["page_view"]
        + 2 * of["click"]
        + 5 * of["add_to_cart"]
        + 10 * of["purchase"],
        "engagement_version": 1,
        "updated_event_time": max(click["event_time"] for click in clicks),
    }


def session(clicks: Sequence[Fields]) -> Row:
    """Return the session features."""
    of = Counter(click["event_type"] for click in clicks)
    times = [click["event_time"] for click in clicks]
    views = [click["event_time"] for click in clicks if click["event_type"] == "page_view"]
    dwells = [after - before for before, after in pairwise(views)]
    length = max(times) - min(times)
    return {
        "events": len(clicks),
        "page_views": of["page_view"],
        "clicks": of["click"],
        "purchases": of["purchase"],
        "session_length_ms": length,
        "dwell_mean_ms": _share(sum(dwells), len(dwells)),
        "engaged": length > 10_000 or len(views) >= 2 or of["purchase"] >= 1,
        "converted": of["purchase"] >= 1,
        "cart_abandoned": of["purchase"] == 0 if of["add_to_cart"] else None,
        "updated_event_time": max(times),
    }


def _share(part: int, whole: int) -> float | None:
    return float(Fraction(part, whole)) if whole else None


# Comparing.

CLOSE: Final = frozenset({"amount_std_cents", "max_speed_kmh"})
"""Features whose formula here is another: equal to 1 in 10^12. All others are equal to the bit."""


def same(row: Row, other: Row) -> bool:
    """Return whether two feature rows are the same."""
    features, others = row["features"], other["features"]
    rest = {k: v for k, v in row.items() if k != "features"}
    if rest != {k: v for k, v in other.items() if k != "features"} or set(features) != set(others):
        return False
    return all(same_feature(name, features[name], others[name]) for name in features)


def same_feature(name: str, value: object, other: object) -> bool:
    """Return whether two values of a feature are the same, of the same type."""
    if name in CLOSE and isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=1e-12, abs_tol=1e-9)
    return type(value) is type(other) and value == other
