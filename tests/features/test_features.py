"""Features: every definition against an independent formula, and at its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given

from flink_jobs.config import Settings
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS, Click, EventType, Transaction
from flink_jobs.features.catalog import CATALOG, FRAUD, PERSONALIZATION, SESSION, feature_sets
from flink_jobs.features.clickstream import PersonalizationAggregate, SessionAggregate
from flink_jobs.features.risk import POINTS, risk
from flink_jobs.features.transactions import FraudAggregate
from tests.support.inputs.samples import START_MS, clicks, payments
from tests.support.oracles import log as oracle_log

Values = Sequence[tuple[Any, int]]
Formula = Callable[[Sequence[dict[str, Any]]], dict[str, Any]]


def computed(aggregate: Any, values: Values) -> dict[str, Any]:
    """Return the features, as they are written."""
    return cast("dict[str, Any]", msgspec.to_builtins(aggregate.finish(aggregate.lift(values))))


def assert_as_defined(aggregate: Any, values: Values, formula: Formula) -> None:
    features = computed(aggregate, values)
    expected = formula([msgspec.to_builtins(event) for event, _ in values])
    features = msgspec.json.decode(msgspec.json.encode(features))
    assert features.keys() == expected.keys()
    for name, value in expected.items():
        assert oracle_log.same_feature(name, features[name], value), name


@given(payments())
def test_fraud_features_are_as_defined(values: list[tuple[Transaction, int]]) -> None:
    assert_as_defined(FraudAggregate(), values, oracle_log.fraud)


@given(clicks())
def test_personalization_features_are_as_defined(values: list[tuple[Click, int]]) -> None:
    assert_as_defined(PersonalizationAggregate(), values, oracle_log.personalization)


@given(clicks())
def test_session_features_are_as_defined(values: list[tuple[Click, int]]) -> None:
    assert_as_defined(SessionAggregate(), values, oracle_log.session)


# Fraud.


def spend(*cents: int) -> dict[str, Any]:
    values = [
        (Transaction(f"e{n}", "card", "shop", amount, "FR", 0.0, 0.0, START_MS + n), n)
        for n, amount in enumerate(cents)
    ]
    return computed(FraudAggregate(), values)


def test_one_payment_has_deviation_0_and_no_speed() -> None:
    features = spend(1_234)
    assert (features["amount_mean_cents"], features["amount_std_cents"]) == (1_234.0, 0.0)
    assert (features["max_speed_kmh"], features["impossible_travel"]) == (None, False)


def test_equal_amounts_have_deviation_exactly_0() -> None:
    """Of large amounts too: a sum of floats would leave a remainder, or the root of less than 0."""
    assert spend(*[999_999_999] * 7)["amount_std_cents"] == 0.0


def test_deviation_is_of_the_population() -> None:
    assert spend(100, 300)["amount_std_cents"] == 100.0


def test_deviation_of_one_cent_beside_ten_million() -> None:
    assert spend(10**9, 10**9 + 1)["amount_std_cents"] == 0.5


def test_nothing_spent_is_0_and_not_null() -> None:
    features = spend(0)
    assert (features["amount_sum_cents"], features["amount_max_cents"]) == (0, 0)
    assert features["amount_mean_cents"] == 0.0


# Risk.

HARMLESS: dict[str, Any] = {
    "tx_count": 4,
    "amount_max_cents": 49_999,
    "amount_sum_cents": 199_999,
    "distinct_merchants": 3,
    "distinct_countries": 1,
    "impossible_travel": False,
}


def test_just_below_every_limit_is_no_risk() -> None:
    assert risk(**HARMLESS) == (0, ())


@pytest.mark.parametrize(
    ("change", "score", "reason"),
    [
        ({"tx_count": 5}, 25, "velocity"),
        ({"amount_max_cents": 50_000}, 20, "high_amount"),
        ({"amount_sum_cents": 200_000}, 15, "high_total"),
        ({"distinct_merchants": 4}, 15, "many_merchants"),
        ({"distinct_countries": 2}, 20, "several_countries"),
        ({"impossible_travel": True}, 40, "impossible_travel"),
    ],
)
def test_reason_begins_at_its_limit(change: dict[str, Any], score: int, reason: str) -> None:
    assert risk(**HARMLESS | change) == (score, (reason,))


def test_score_is_at_most_100_and_names_every_reason() -> None:
    worst: dict[str, Any] = dict.fromkeys(HARMLESS, 10**9) | {"impossible_travel": True}
    assert sum(POINTS.values()) > 100
    assert risk(**worst) == (100, tuple(POINTS))


# Clicks.


def visit(*steps: tuple[int, EventType]) -> list[tuple[Click, int]]:
    """Return clicks from (milliseconds after the start, type)."""
    return [
        (Click(f"e{n}", "user", kind, "item", START_MS + at, 1 if kind == "purchase" else None), n)
        for n, (at, kind) in enumerate(steps)
    ]


def test_rates_without_a_denominator_are_null() -> None:
    features = computed(PersonalizationAggregate(), visit((0, "click"), (1, "purchase")))
    assert (features["ctr"], features["conversion_rate"]) == (None, None)


def test_rates_of_nothing_are_0() -> None:
    features = computed(PersonalizationAggregate(), visit((0, "impression"), (1, "page_view")))
    assert (features["ctr"], features["conversion_rate"]) == (0.0, 0.0)


def test_single_event_has_length_0() -> None:
    features = computed(SessionAggregate(), visit((7, "click")))
    assert (features["session_length_ms"], features["dwell_mean_ms"]) == (0, None)
    assert not features["engaged"]


@pytest.mark.parametrize(
    ("steps", "engaged"),
    [
        ([(0, "click"), (10_000, "click")], False),
        ([(0, "click"), (10_001, "click")], True),
        ([(0, "page_view")], False),
        ([(0, "page_view"), (0, "page_view")], True),
        ([(0, "add_to_cart")], False),
        ([(0, "purchase")], True),
    ],
)
def test_engaged_begins_at_its_limits(steps: list[tuple[int, EventType]], engaged: bool) -> None:
    assert computed(SessionAggregate(), visit(*steps))["engaged"] is engaged


@pytest.mark.parametrize(
    ("steps", "abandoned"),
    [
        (["click"], None),
        (["purchase"], None),
        (["add_to_cart"], True),
        (["add_to_cart", "purchase"], False),
        (["purchase", "add_to_cart"], False),
    ],
)
def test_cart_is_abandoned_only_where_one_was_filled(
    steps: list[EventType], abandoned: bool | None
) -> None:
    features = computed(SessionAggregate(), visit(*[(n, kind) for n, kind in enumerate(steps)]))
    assert features["cart_abandoned"] is abandoned


def test_last_page_has_no_dwell_time() -> None:
    steps: list[tuple[int, EventType]] = [(0, "page_view"), (9_000, "page_view"), (9_999, "click")]
    assert computed(SessionAggregate(), visit(*steps))["dwell_mean_ms"] == 9_000.0


# The catalog.


def test_topics_have_their_feature_sets_in_order() -> None:
    assert feature_sets(TRANSACTIONS) == (FRAUD,)
    assert feature_sets(CLICKSTREAM) == (PERSONALIZATION, SESSION)
    assert feature_sets("other") == ()


def test_feature_topics_are_those_of_the_contract() -> None:
    assert [feature_set.target for feature_set in CATALOG] == [
        "features-fraud",
        "features-personalization",
        "features-session",
    ]


def test_redis_key_names_the_set_and_the_entity() -> None:
    assert FRAUD.redis_key("card_00042") == "features:fraud:card_00042"


def test_rows_serve_as_long_as_their_window_may_change() -> None:
    settings = Settings(allowed_lateness_seconds=10)
    assert FRAUD.ttl_ms(settings) == 310_000
    assert SESSION.ttl_ms(settings) == 30 * 60_000
