"""Rows of features, for tests that write and read them."""

from __future__ import annotations

from flink_jobs.features.row import FeatureRow
from flink_jobs.features.transactions import FraudFeatures

END_MS = 1_700_000_000_000


def fraud_row(
    *, end_ms: int = END_MS, revision: int, max_speed_kmh: float | None = None
) -> FeatureRow:
    """Return a row of card_1, whose window ends at `end_ms`."""
    features = FraudFeatures(
        tx_count=2,
        amount_sum_cents=300,
        amount_max_cents=200,
        amount_mean_cents=150.0,
        amount_std_cents=50.0,
        distinct_merchants=1,
        distinct_countries=1,
        max_speed_kmh=max_speed_kmh,
        impossible_travel=False,
        risk_score=0,
        reason_codes=(),
        score_version=1,
        updated_event_time=end_ms - 1,
    )
    return FeatureRow("fraud", "card_1", end_ms - 300_000, end_ms, revision, features)
