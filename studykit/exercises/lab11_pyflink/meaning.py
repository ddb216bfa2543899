"""What an answer in SQL means: the rows that it gives, the verdicts, or why it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from studykit.exercises.definition import Json
from studykit.exercises.lab11_pyflink import sql

BOUND_MS: Final = 4_000
"""The bound of the table `payments`: its watermark is 4.001 s behind."""

LOG: Final = (
    (2_000, "a", 5),
    (13_000, "b", 7),
    (14_000, "a", 1),
    (6_000, "a", 9),
    (18_000, "a", 2),
    (3_000, "b", 4),
    (31_000, "a", -3),
    (27_000, "b", 0),
)
"""Event time in ms, card and amount, in order of arrival: the log that a query is read against."""


def delay(text: Json) -> Json:
    """Return how many ms a watermark is behind, or what is wrong with its text."""
    return _told(lambda: sql.delay_ms(text))


def rows(text: Json) -> Json:
    """Return the changes that a query over `LOG` gives, sorted, or what is wrong with its text."""
    return _rows(text) if isinstance(text, str) else _told(lambda: sql.window_query(text))


def verdicts(text: Json) -> Json:
    """Return the verdict of an expression at each place of `EDGES`, or what is wrong with it."""
    return _verdicts(text) if isinstance(text, str) else _told(lambda: sql.expression(text))


def problem(meaning: Json) -> str:
    """Return the words for what is wrong with a text, '' where it means something."""
    return str(meaning.get("problem", "")) if isinstance(meaning, dict) else ""


EDGES: Final = tuple(
    (event_ms, end_ms + bound_ms + step)
    for size_ms in (5_000, 10_000, 60_000)
    for event_ms in (0, 4_999, 5_000, 12_345)
    for end_ms in (event_ms // size_ms * size_ms + size_ms,)
    for bound_ms in (0, 2_000, 4_000, 30_000)
    for step in (-1, 0, 1)
)
"""Pairs of an event time and the largest time seen, in ms, at which verdicts change."""


def _told(meaning: Callable[[], Any]) -> Json:
    try:
        return meaning()
    except sql.UnreadableError as error:
        return {"problem": f"this lab cannot read it: {error}"}
    except sql.RefusedError as error:
        return {"problem": f"Flink refuses it: {error}"}  # no claim: ours
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        return {"problem": f"it has no value: {error}"}


@lru_cache(maxsize=256)
def _verdicts(text: str) -> Json:
    def meaning() -> Json:
        value = sql.expression(text)
        return [value({"EVENT_MS": event_ms, "SEEN": seen}) for event_ms, seen in EDGES]

    return _told(meaning)


@lru_cache(maxsize=256)
def _rows(text: str) -> Json:
    return _told(lambda: _changes(sql.window_query(text)))


def _changes(query: sql.WindowQuery) -> Json:
    """Return the rows of windows that fire once; of another grouping, every change of a row."""
    fires = {"WINDOW_START", "WINDOW_END"} <= set(query.groups)
    held: dict[tuple[Any, ...], list[sql.Row]] = {}
    changes: list[list[Json]] = []
    watermark_ms: int | None = None
    newest_ms: int | None = None
    for event_ms, card, amount in LOG:
        for start_ms in _starts(event_ms, query):
            row = _row(event_ms, card, amount, start_ms, query.size_ms)
            if fires and watermark_ms is not None and row["WINDOW_END"] - 1 <= watermark_ms:
                continue  # a window that has fired takes nothing more
            if query.where is not None and query.where(row) is not True:
                continue
            key = tuple(row[name] for name in query.groups)
            before = held.get(key, [])
            held[key] = [*before, row]
            if not fires:
                changes += [["-U", *_line(query, before)]] if before else []
                changes.append(["+U" if before else "+I", *_line(query, held[key])])
        newest_ms = event_ms if newest_ms is None else max(newest_ms, event_ms)
        watermark_ms = newest_ms - BOUND_MS - 1
    if fires:
        changes = [["+I", *_line(query, found)] for found in held.values()]
    return sorted(changes, key=str)


def _starts(event_ms: int, query: sql.WindowQuery) -> list[int]:
    last = event_ms // query.slide_ms * query.slide_ms
    return list(range(last, event_ms - query.size_ms, -query.slide_ms))


def _row(event_ms: int, card: str, amount: int, start_ms: int, size_ms: int) -> dict[str, Any]:
    return {
        "EVENT_MS": event_ms,
        "RT": event_ms,
        "CARD": card,
        "AMOUNT": amount,
        "WINDOW_START": start_ms,
        "WINDOW_END": start_ms + size_ms,
        "WINDOW_TIME": start_ms + size_ms - 1,
    }


def _line(query: sql.WindowQuery, found: list[Mapping[str, Any]]) -> list[Json]:
    return [
        item.over(found) if isinstance(item, sql.AggregateCall) else found[0][item]
        for item in query.items
    ]
