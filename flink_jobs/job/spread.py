"""Which subtask judges which partition: a salt in the key of each spreads them evenly.

Flink sends a key to the subtask of its *key group*: a hash of the key modulo the greatest
parallelism. Partitions are a handful of keys, and chance would place them: the numbers 0 to 3 all
hash to one of two subtasks, so that parallelism 2 gives the work of one. So the key of a partition
is its number and a salt. The salts put partition 0 into key group 0, partition 1 into the middle
group, partitions 2 and 3 into those of the quarters, and so on. The salt depends on nothing but the
number: a key that changed with the parallelism would lose its state in a rescale.

The hash is Flink's: `BinaryRowData.hashCode` of two INT columns, then `MathUtils.murmurHash`. A
test compares it with Flink's own.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Final

MAX_PARALLELISM: Final = 128
"""How many key groups there are. The number is part of a savepoint: Flink refuses another one."""

SPREAD: Final = MAX_PARALLELISM
"""How many partitions of a topic have a salt; partitions of greater numbers have salt 0."""

_BITS: Final = MAX_PARALLELISM.bit_length() - 1
_WORD: Final = 0xFFFFFFFF
_SEED: Final = 42
_ROW_BYTES: Final = 24
"""A row of two INT columns: eight bytes of kind and nulls, then eight for each column."""


def salts() -> str:
    """Return the SQL of the salt of the column `partition`: an INT that is never null.

    The salts are one text, from which SQL cuts a few digits for a partition. A CASE of so many
    branches takes the planner seconds of every start.
    """
    digits = len(str(max(map(salt, range(SPREAD)))))
    text = "".join(f"{salt(number):0{digits}}" for number in range(SPREAD))
    cut = f"SUBSTRING('{text}' FROM `partition` * {digits} + 1 FOR {digits})"
    return f"COALESCE(TRY_CAST({cut} AS INT), 0)"


@cache
def salt(partition: int) -> int:
    """Return the smallest salt that puts a partition into the key group that it is to have.

    The group is the number with its seven bits in reverse, so that any first 2, 4, 8 … partitions
    lie at equal distances.

    >>> [key_group(salt(partition), partition) for partition in range(5)]
    [0, 64, 32, 96, 16]
    """
    wanted = int(f"{partition:0{_BITS}b}"[::-1], 2)
    return next(salt for salt in count() if key_group(salt, partition) == wanted)


def key_group(salt: int, partition: int) -> int:
    """Return the key group of a key of two INT columns, as Flink computes it."""
    return _murmur(_row_hash(0, 0, salt, 0, partition, 0)) % MAX_PARALLELISM


def subtask(key_group: int, parallelism: int) -> int:
    """Return the subtask that has a key group: the rule of Flink's `KeyGroupRangeAssignment`.

    >>> subtask(63, parallelism=2), subtask(64, parallelism=2)
    (0, 1)
    """
    return key_group * parallelism // MAX_PARALLELISM


def _row_hash(*words: int) -> int:
    """Return the hash of a row, by words of four bytes: `MurmurHashUtils.hashBytesByWords`."""
    hashed = _SEED
    for word in words:
        hashed = _mixed(hashed, _scrambled(word))
    return _finished(hashed, _ROW_BYTES)


def _murmur(code: int) -> int:
    """Return `MathUtils.murmurHash` of a hash code: not negative."""
    hashed = _finished(_mixed(0, _scrambled(code)), 4)
    signed = hashed - (1 << 32) if hashed >> 31 else hashed
    return 0 if signed == -(1 << 31) else abs(signed)


def _scrambled(word: int) -> int:
    return _rotated(word * 0xCC9E2D51 & _WORD, 15) * 0x1B873593 & _WORD


def _mixed(hashed: int, scrambled: int) -> int:
    return _rotated(hashed ^ scrambled, 13) * 5 + 0xE6546B64 & _WORD


def _finished(hashed: int, length: int) -> int:
    hashed ^= length
    hashed = (hashed ^ hashed >> 16) * 0x85EBCA6B & _WORD
    hashed = (hashed ^ hashed >> 13) * 0xC2B2AE35 & _WORD
    return hashed ^ hashed >> 16


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> 32 - bits) & _WORD
