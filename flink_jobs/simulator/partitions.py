"""Which partition a key belongs to: the rule of Kafka's own producers.

All events of a key must be in one partition, and every producer must agree on which. Java's
producer, and so Flink's, hashes the key's bytes with 32-bit MurmurHash2, which kafka-python has.
"""

from __future__ import annotations

from functools import lru_cache

from kafka.partitioner import murmur2


@lru_cache(maxsize=1 << 16)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of `key` in a topic of `partitions` partitions, counted from 0.

    >>> partition_of(b"card_00042", 4)
    0
    """
    # Kafka clears the sign bit (`Utils.toPositive`). Where the number of partitions is no power of
    # two, the hash with its sign bit would name other partitions.
    return (int(murmur2(key)) & 0x7FFFFFFF) % partitions
