"""The join of two real topics, of which one stalls: what it holds, row by row."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from studykit.services.live import stalled_join

pytestmark = pytest.mark.services


def sizes(arrivals: list[list[Any]], upper_ms: int, bound_ms: int) -> list[list[int]]:
    """Count, for each arrival anew, the rows that were taken and may still get a partner."""

    def watermark(count: int) -> float:
        times = [[at for kind, at in arrivals[:count] if kind == side] for side in ("ad", "click")]
        return min(max(some, default=float("-inf")) for some in times) - bound_ms - 1

    taken = [at > watermark(place) for place, (_, at) in enumerate(arrivals)]
    found = []
    for count in range(1, len(arrivals) + 1):
        rows = [row for row, is_taken in zip(arrivals[:count], taken, strict=False) if is_taken]
        held = [kind for kind, at in rows if at + upper_ms * (kind == "ad") > watermark(count)]
        found.append([held.count("ad"), held.count("click")])
    return found


def empty(*_: object) -> list[list[int]]:
    return []


def broken(*_: object) -> None:
    raise ZeroDivisionError("oh")


def played(servers: str, answer: Callable[..., Any], parts_ms: tuple[int, int]) -> None:
    stalled_join.show(
        answer, lambda: nullcontext(servers), f"join-{uuid4()}-", parts_ms, every_s=0.04
    )


def test_the_join_holds_what_is_counted_anew_and_all_of_the_stall_is_freed(
    monkeypatch: pytest.MonkeyPatch, kafka_servers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stalled_join, "UPPER_MS", 300)
    monkeypatch.setattr(stalled_join, "BOUND_MS", 100)
    given: list[list[Any]] = []

    def answer(arrivals: list[list[Any]], upper_ms: int, bound_ms: int) -> list[list[int]]:
        given.extend(arrivals)
        return sizes(arrivals, upper_ms, bound_ms)

    played(kafka_servers, answer, (200, 700))
    printed = capsys.readouterr().out
    assert f"your function says the same after each of {len(given)} rows" in printed
    assert re.search(r"no clicks {3}ads +\d+", printed)
    assert printed.endswith("stopped and removed\n")
    clicks = [at for kind, at in given if kind == "click"]
    longest_ms = max(after - before for before, after in pairwise(clicks))
    assert longest_ms >= 600  # the stall is in the topic, not only in what is printed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (empty, "after row 1, the "),
        (dict, "your function stops with TypeError"),
        (broken, "your function stops with ZeroDivisionError: oh"),
    ],
)
def test_a_wrong_answer_is_told_where_it_differs_first(
    answer: Callable[..., Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    kafka_servers: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(stalled_join, "UPPER_MS", 0)
    monkeypatch.setattr(stalled_join, "BOUND_MS", 0)
    played(kafka_servers, answer, (0, 0))
    printed = capsys.readouterr().out
    assert words in printed
    assert "stopped and removed" in printed
