"""Copies of JSON values: the quick way comes to what JSON itself comes to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studykit.exercises.definition import copy_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(SCALARS, inner),
    max_leaves=12,
)


def by_json(value: Any) -> Any:
    """Return the copy, or the type of the error, of the definition: through a text and back."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        return type(error)


@settings(max_examples=50)
@given(VALUES)
def test_a_copy_is_what_arrives_in_another_process(value: Any) -> None:
    wanted = by_json(value)
    if isinstance(wanted, type):
        with pytest.raises(wanted):
            copy_json(value)
    else:
        assert repr(copy_json(value)) == repr(wanted)


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, -(2**63), True, "\ud83d\ude00", {1: 2}, (1,)])
def test_at_the_edge_of_what_is_copied_quickly(value: Any) -> None:
    assert repr(copy_json(value)) == repr(by_json(value))


def test_no_part_of_a_copy_is_the_original_s() -> None:
    value = [[1], {"a": [2]}]
    copy = copy_json(value)
    copy[0].append(3)
    copy[1]["a"].append(3)
    assert value == [[1], {"a": [2]}]


def test_a_list_that_holds_itself_is_an_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="Circular"):
        copy_json(value)
