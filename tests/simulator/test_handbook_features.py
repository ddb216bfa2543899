"""The handbook's intervals, against a naive count, and what a wait changes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.simulator.handbook import LabelledPayments, Payments
from flink_jobs.simulator.handbook_features import features, interval_sums

rows = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=15
).map(sorted)


@settings(max_examples=60)
@given(rows, st.integers(1, 8), st.integers(0, 5))
def test_an_interval_is_what_a_naive_count_says(
    drawn: list[tuple[int, int, int]], length: int, delay: int
) -> None:
    seconds, entity, values = (np.array(column) for column in zip(*drawn, strict=True))
    counts, sums = interval_sums(entity, seconds, values, length, delay)
    for number, (now, who, _) in enumerate(drawn):
        inside = [
            value
            for other, (at, whose, value) in enumerate(drawn)
            if whose == who
            and now - delay - length < at <= now - delay
            and (delay or other <= number)
        ]
        assert (counts[number], sums[number]) == (len(inside), sum(inside))


def test_the_columns_of_three_payments_by_hand() -> None:
    day = 86_400
    made = Payments(
        *(
            np.array(column)
            for column in ([100, day, 8 * day], [1, 1, 1], [5, 5, 5], [1_000, 3_000, 5_000])
        )
    )
    table = features(LabelledPayments(made, np.array([1, 0, 0]), (1, 0, 0)))
    assert table.shape == (3, 15)
    assert table[0].tolist() == [10, 1, 1, 1, 10, 1, 10, 1, 10, 0, 0, 0, 0, 0, 0]  # Sunday, night
    assert table[1].tolist()[:9] == [30, 0, 1, 2, 20, 2, 20, 2, 20]
    assert table[2].tolist()[9:] == [2, 0.5] * 3  # a week before: (0, 1 day], its end inside


def test_a_wait_hides_the_newest_payments_but_never_the_one_that_is_judged() -> None:
    made = Payments(
        *(np.array(column) for column in ([100, 110, 200], [1, 1, 1], [5, 5, 5], [100, 200, 400]))
    )
    labelled = LabelledPayments(made, np.array([0, 0, 0]), (0, 0, 0))
    assert features(labelled)[:, 3].tolist() == [1, 2, 3]
    assert features(labelled, 30)[:, 3].tolist() == [1, 1, 3]
    assert features(labelled, 90)[:, 3].tolist() == [1, 1, 3]
    assert features(labelled, 91)[:, 3].tolist() == [1, 1, 2]
