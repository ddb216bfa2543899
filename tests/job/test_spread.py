"""Every subtask judges its share of the partitions, and the hash that decides it is Flink's own."""

from __future__ import annotations

from collections import Counter

import pytest
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes

from flink_jobs.job.spread import MAX_PARALLELISM, SPREAD, key_group, salt, salts, subtask
from flink_jobs.runtime.environment import table_environment

SHARES = [(1, 1), (4, 1), (4, 2), (4, 4), (8, 2), (8, 4), (8, 8), (12, 2), (12, 4), (64, 16)]


@pytest.mark.parametrize(("partitions", "parallelism"), SHARES)
def test_every_subtask_gets_the_same_share(partitions, parallelism):
    keys = [key_group(salt(number), number) for number in range(partitions)]
    shares = Counter(subtask(group, parallelism) for group in keys)
    assert shares == {number: partitions // parallelism for number in range(parallelism)}


@pytest.mark.parametrize("parallelism", range(1, 17))
def test_no_subtask_is_idle_with_two_partitions_for_each(parallelism):
    groups = [key_group(salt(number), number) for number in range(2 * parallelism)]
    assert {subtask(group, parallelism) for group in groups} == set(range(parallelism))


def test_each_partition_has_a_key_group_of_its_own():
    assert len({key_group(salt(number), number) for number in range(SPREAD)}) == MAX_PARALLELISM


@pytest.mark.jvm
def test_the_sql_gives_the_salt_of_each_partition_and_0_beyond():
    _, table_env = table_environment(1)
    numbers = range(SPREAD + 2)
    rows = ", ".join(f"({number})" for number in numbers)
    table = table_env.sql_query(
        f"SELECT `partition`, {salts()} AS salt FROM (VALUES {rows}) AS parts(`partition`)"
    )
    # A type that may be null would be another key, and no savepoint from before would fit.
    assert table.get_schema().get_field_data_type("salt") == DataTypes.INT(nullable=False)
    with table.execute().collect() as found:
        salted = {row[0]: row[1] for row in found}
    assert salted == {number: salt(number) if number < SPREAD else 0 for number in numbers}


@pytest.mark.jvm
def test_flink_computes_the_same_key_groups_and_subtasks():
    table_environment(1)  # Java starts
    jvm = get_gateway().jvm
    row = jvm.org.apache.flink.table.data.binary.BinaryRowData(2)
    writer = jvm.org.apache.flink.table.data.writer.BinaryRowWriter(row)
    assignment = jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment
    for number in range(40):
        writer.reset()
        writer.writeInt(0, salt(number))
        writer.writeInt(1, number)
        writer.complete()
        group = assignment.computeKeyGroupForKeyHash(row.hashCode(), MAX_PARALLELISM)
        assert group == key_group(salt(number), number)
        there = assignment.computeOperatorIndexForKeyGroup(MAX_PARALLELISM, 4, group)
        assert there == subtask(group, 4)
