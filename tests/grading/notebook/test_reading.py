"""Notebooks: whatever bytes come, cells or one sentence."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from studykit.grading.notebook.reading import ReadingFailure, read_notebook


@given(st.binary(max_size=200))
def test_any_bytes_are_a_notebook_or_one_sentence(data: bytes) -> None:
    try:
        read_notebook(data)
    except ReadingFailure as error:
        assert str(error)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_in_place_of_cells_is_a_notebook_or_one_sentence(value: object) -> None:
    try:
        read_notebook(json.dumps({"nbformat": 4, "cells": value, "metadata": value}).encode())
    except ReadingFailure as error:
        assert str(error)
