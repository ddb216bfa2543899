"""Replies: nothing but plain values comes in."""

from __future__ import annotations

import pytest

from studykit.exercises.definition import same
from studykit.grading.sandbox import replies


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{",
        b'{"nonce": "m"}',
        b'{"nonce": "n", "x": NaN}',
        b'{"nonce": "n", "x": -Infinity}',
        b"[" * 50_000,
        b'{"nonce": "n", "x": ' + b"9" * 5_000 + b"}",
        b"\xff",
    ],
)
def test_a_reply_that_is_none_is_a_bad_reply(line: bytes) -> None:
    with pytest.raises(replies.BadReply):
        replies.parse(line, "n")


@pytest.mark.parametrize(
    "outcomes",
    [
        [],
        [{"value": 1}] * 3,
        {},
        "pass",
        [1],
        [{}],
        [{"value": 1, "hung": 1}],
        [{"verdict": "pass"}],
        [{"raised": "x"}],
        [{"raised": 1, "line": ""}],
        [{"value": 1e999}],
        [{"value": "\ud800"}],
        [{"value": {"\ud800": 1}}],
    ],
)
def test_outcomes_of_another_shape_are_a_bad_reply(outcomes: object) -> None:
    with pytest.raises(replies.BadReply):
        replies.outcomes({"outcomes": [outcomes]}, 1, 2, 1.0)


@pytest.mark.parametrize("found", [None, [], {}, [None, None], "pass"])
def test_other_than_one_answer_each_time_is_a_bad_reply(found: object) -> None:
    with pytest.raises(replies.BadReply):
        replies.outcomes({"outcomes": found}, 1, 2, 1.0)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "x", [], [[1]], {"a": {"b": [None]}}])
def test_plain_values_come_through_unchanged(value: object) -> None:
    reply = {"outcomes": [[{"value": value}]]}
    assert same(replies.outcomes(reply, 1, 1, 1.0), [[{"value": value}]])


def test_how_long_something_hung_is_not_for_the_submission_to_say() -> None:
    reply = {"outcomes": [[{"hung": "never"}]]}
    assert replies.outcomes(reply, 1, 1, 5.0) == [[{"hung": 5.0}]]
