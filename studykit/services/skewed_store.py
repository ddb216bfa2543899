"""A store in which five cards went five ways, beside the offline replay of the same log.

In a notebook that a person has open it is a real store: it starts, is written by the production
code, read, and stopped. Elsewhere, in grading above all, nothing is started: the same rows are put
together in this process, and a test holds that both are equal.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.connectors.redis import FeatureStore, newest_rows, read_features
from flink_jobs.events import TRANSACTIONS, Transaction
from flink_jobs.features.row import FeatureRow
from flink_jobs.features.transactions import FraudFeatures
from flink_jobs.processor.replay import replay
from flink_jobs.simulator.golden import START_MS
from studykit.errors import StudyError

READ_MS: Final = 330_000
"""When the store is read, milliseconds after the start: the window of 300 s is over by then."""

_CARDS: Final = ("c1", "c2", "c3", "c4", "c5")
_LATE: Final = ("c3", 290, 340)
"""Card, event time and arrival, in seconds, of the payment that corrects a window."""
_FOREIGN_COUNT: Final = 9
_FIELDS: Final = ("window_end", "revision", "tx_count")

Stored = dict[str, dict[str, int]]


class Evidence(NamedTuple):
    """What was read, what was recomputed, and when the store was read."""

    stored: Stored
    """By card: the window's end, the revision and the count."""
    replayed: list[list[Any]]
    """Rows `[card, window_end, revision, tx_count]` of the whole log, in the order of firing."""
    read_ms: int


def skewed_store() -> Evidence:
    """Write the rows of a small log into a store where some things go wrong, and read it.

    Times are milliseconds since the log's start.
    """
    rows = [row for row in _replayed() if row.key in _CARDS]
    replayed = [[row.key, row.window_end - START_MS, row.revision, _count(row)] for row in rows]
    written = [row for row in rows if _is_written(row)]
    stored = _from_store(written) if os.environ.get("JPY_SESSION_NAME") else in_process(written)
    return Evidence(stored, replayed, READ_MS)


def in_process(rows: Iterable[FeatureRow]) -> Stored:
    """Return what a store holds after the rows and the mishaps, without one."""
    stored = {
        row.key: {
            "window_end": row.window_end - START_MS, "revision": row.revision,
            "tx_count": _count(row),
        }
        for row in newest_rows(rows)
    }  # fmt: skip
    del stored["c4"]
    stored["c5"]["tx_count"] = _FOREIGN_COUNT
    return stored


def on_a_real_one(rows: Iterable[FeatureRow]) -> Stored:
    """Return what a real store holds after the same; it starts and stops here.

    Raises:
        StudyError: There is no server, or it does not answer.
        ImportError: There can be none: this is Python in a browser.
    """
    from studykit.services.own_store import own_store  # noqa: PLC0415 - not in a browser

    with own_store() as client:
        FeatureStore(client, {"fraud": 600_000}).write(rows)
        client.pexpire("features:fraud:c4", 0)  # its time is over
        client.hset("features:fraud:c5", "tx_count", str(_FOREIGN_COUNT))  # by somebody else
        hashes = {card: read_features(client, f"features:fraud:{card}") for card in _CARDS}
    stored: Stored = {}
    for card, fields in hashes.items():
        if fields is not None:
            stored[card] = {name: fields[name] for name in _FIELDS}
            stored[card]["window_end"] -= START_MS
    return stored


def _from_store(rows: list[FeatureRow]) -> Stored:
    print("A store of its own starts, is written and read, and stops: about two seconds.")
    try:
        return on_a_real_one(rows)
    except (StudyError, ImportError) as error:
        print(f"It did not: {error}. Here is what it would hold.")
        return in_process(rows)


def _replayed() -> list[FeatureRow]:
    """Return every row of the log, replayed to its end."""
    payments = [(card, second, second) for card in _CARDS for second in (70, 100, 250)]
    payments += [("others", second, second) for second in range(0, 401, 20)]
    ordered = sorted([*payments, _LATE], key=lambda payment: payment[2])
    records = [
        LogRecord(
            TRANSACTIONS, 0, offset, START_MS + arrives * 1_000, card.encode(),
            msgspec.json.encode(
                Transaction(
                    f"e{offset}", card, "m", 100, "DE", 52.5, 13.4, START_MS + happens * 1_000
                )
            ),
        )
        for offset, (card, happens, arrives) in enumerate(ordered)
    ]  # fmt: skip
    return replay(records, Settings(allowed_lateness_seconds=60))[0].rows


def _is_written(row: FeatureRow) -> bool:
    """Tell whether a row has reached the store when it is read."""
    end_ms = row.window_end - START_MS
    if row.key == "c2":  # its writer is behind by a window
        return end_ms <= 240_000
    return end_ms <= 300_000 and not (row.key == "c3" and row.revision)


def _count(row: FeatureRow) -> int:
    assert isinstance(row.features, FraudFeatures)
    return row.features.tx_count
