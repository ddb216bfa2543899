"""Result files: the rows and dead letters of a replay, in an order of their own.

Both executions write them, sorted, so that `diff` compares two executions.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flink_jobs import dead_letter
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.features.row import FeatureRow, encode_row


def write_results(out: Path, rows: Iterable[FeatureRow], letters: Iterable[DeadLetter]) -> None:
    """Write `features.jsonl` and `dead-letter.jsonl` into the folder `out`, which is created.

    Rows are sorted by feature set, key, window and revision; dead letters by the record they
    are about and the feature set.
    """
    out.mkdir(parents=True, exist_ok=True)
    ordered_rows = sorted(rows, key=_row_order)
    _write(out / "features.jsonl", (encode_row(row) for row in ordered_rows))
    ordered_letters = sorted(letters, key=_letter_order)
    _write(out / "dead-letter.jsonl", (dead_letter.encode_line(one) for one in ordered_letters))


def _row_order(row: FeatureRow) -> tuple[str, str, int, int, int]:
    return row.feature_set, row.key, row.window_start, row.window_end, row.revision


def _letter_order(letter: DeadLetter) -> tuple[str, int, int, str]:
    return letter.topic, letter.partition, letter.offset, letter.feature_set or ""


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
