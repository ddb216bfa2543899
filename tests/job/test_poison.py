"""No record stops the job, whatever its shape, size or codec; both executions judge it alike."""

from __future__ import annotations

import pytest

from tests.support.worlds.fuzz import fuzz

pytestmark = [pytest.mark.jvm, pytest.mark.services]

PATIENCE_S = 400


def test_rows_and_letters_are_the_processor_s():
    """A slice; `make chaos` has two hundred thousand records."""
    found = fuzz(4_000, PATIENCE_S)
    assert found.rows == found.expected_rows
    assert found.letters.keys() - found.expected_letters.keys() == set()
    assert found.letters == found.expected_letters
    assert any(b"odd" in key for key, _ in found.rows)
