"""Which submissions are nearly the same, whatever their names and comments."""

from __future__ import annotations

import builtins
import keyword
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from studykit.grading.book.results import Result

WINDOW: Final = 6
"""Tokens that make a shingle."""
KEPT: Final = 400
LEAST: Final = 25
"""Fewest shingles by which a submission is compared; a shorter one says too little."""
NEAR: Final = 0.9

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_COMMENT: Final = re.compile(r"#[^\n]*")
_DOCSTRING: Final = re.compile(r'"""(?s:.*?)"""')
_PLAIN: Final = frozenset(keyword.kwlist) | frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two submissions and which share of what they are made of they have in common."""

    first: str
    second: str
    share: float


def shingles(answers: Iterable[str], given: Iterable[str]) -> tuple[int, ...]:
    """Return what answers are made of, without what the course itself gave.

    Names that are no keywords count as one and the same, so that renaming hides nothing.
    """
    ours = {shingle for text in given for shingle in _of(text)}
    theirs = {shingle for text in answers for shingle in _of(text)} - ours
    return tuple(sorted(theirs)[:KEPT])


def near_pairs(results: Sequence[Result]) -> list[Pair]:
    """Return the pairs that are nearly the same, the closest first."""
    sets = {
        result.student: frozenset(result.shingles)
        for result in results
        if len(result.shingles) >= LEAST
    }
    found = []
    for first, second in combinations(sorted(sets), 2):
        small, large = sorted((len(sets[first]), len(sets[second])))
        if small < NEAR * large:
            continue
        share = len(sets[first] & sets[second]) / len(sets[first] | sets[second])
        if share >= NEAR:
            found.append(Pair(first, second, share))
    return sorted(found, key=lambda pair: (-pair.share, pair.first, pair.second))


def _of(text: str) -> set[int]:
    plain = _COMMENT.sub("", _DOCSTRING.sub("", text))
    tokens = [_kind(token) for token in _TOKEN.findall(plain)]
    windows = zip(*(tokens[start:] for start in range(WINDOW)), strict=False)
    return {zlib.crc32(" ".join(window).encode()) for window in windows}


def _kind(token: str) -> str:
    return token if token in _PLAIN or not token[0].isalpha() else "name"
