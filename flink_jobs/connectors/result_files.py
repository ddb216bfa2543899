"""Result files: the rows and dead letters of a replay, sorted.

Both executions write these files in one order, so that `diff` compares two executions.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flink_jobs import dead_letter
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.errors import ForeseenError
from flink_jobs.features.row import FeatureRow, encode_row


class ResultFileError(ForeseenError):
    """A folder that takes no results. The text names the folder and the remedy."""


def write_results(out: Path, rows: Iterable[FeatureRow], letters: Iterable[DeadLetter]) -> None:
    """Write `features.jsonl` and `dead-letter.jsonl` into the folder `out`, which is created.

    Rows are sorted by feature set, key, window and revision, and then by their line: a key that is
    in two partitions has two rows of one window. Dead letters are sorted by topic, partition and
    offset of their record, and by feature set.

    Raises:
        ResultFileError: The files cannot be written.
    """
    ordered_rows = sorted((_row_order(row), encode_row(row)) for row in rows)
    ordered_letters = sorted(letters, key=_letter_order)
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(out / "features.jsonl", (line for _, line in ordered_rows))
        _write(out / "dead-letter.jsonl", map(dead_letter.encode_line, ordered_letters))
    except OSError as error:
        raise ResultFileError(
            f"cannot write the results into {out} ({error.strerror}): choose another --out"
        ) from None


def _row_order(row: FeatureRow) -> tuple[str, str, int, int, int]:
    return row.feature_set, row.key, row.window_start, row.window_end, row.revision


def _letter_order(letter: DeadLetter) -> tuple[str, int, int, str]:
    return letter.topic, letter.partition, letter.offset, letter.feature_set or ""


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
