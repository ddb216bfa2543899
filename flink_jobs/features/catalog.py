"""Which feature sets exist: their names, the topic they read, the operator that computes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from flink_jobs.config import Settings
from flink_jobs.engine.firing import Firing
from flink_jobs.engine.panes import Position
from flink_jobs.engine.sessions import SessionOperator
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SessionWindows, SlidingWindows
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.features.clickstream import (
    SESSION_GAP_MS,
    PersonalizationAggregate,
    SessionAggregate,
)
from flink_jobs.features.transactions import FraudAggregate
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

EventValue = tuple[Any, int]
"""What an aggregate is given: an event and its offset, which orders events of one millisecond."""


class Operator(Protocol):
    """What the processor asks of a window operator."""

    @property
    def next_ms(self) -> int:
        """The watermark from which `on_watermark` has something to do."""

    @property
    def windows_per_event(self) -> int:
        """In how many windows an event is."""

    def on_event(self, key: str, event_ms: int, value: EventValue, offset: int) -> Sequence[int]:
        """Count an event in; return the starts of the windows that it missed."""

    def on_watermark(self) -> None:
        """Fire what the watermark has completed."""

    def take(self) -> list[Firing[Any]]:
        """Return what has fired since the last call."""

    def needed(self) -> Iterator[Position]:
        """Yield the positions from which what is still open can be rebuilt."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A family of features of one kind of entity."""

    name: str
    source: str
    """The topic whose events it counts."""
    target: str
    """The topic that its rows go to."""
    operator: Callable[[Settings, BoundedOutOfOrderness], Operator]
    margin_ms: int | None = None
    """How far ahead of the watermark an event must lie to be admitted; None admits every event.

    Sessions have a margin of 1 ms: only `event_time > watermark + 1` is admitted. Which session an
    event would join cannot be known before the shuffle by key, and sessions that touch merge. With
    the margin no event can ever touch a fired session, so every execution makes the same sessions.
    """
    serving_ms: int | None = None
    """How long a row serves, milliseconds; None for as long as its window may still change."""

    def redis_key(self, key: str) -> str:
        """Return the key of an entity's hash in the feature store."""
        return f"features:{self.name}:{key}"

    def ttl_ms(self, settings: Settings) -> int:
        """Return the time to live of a row in the feature store, milliseconds."""
        if self.serving_ms is not None:
            return self.serving_ms
        return settings.size_ms + settings.lateness_ms


def _sliding(aggregate: Any) -> Callable[[Settings, BoundedOutOfOrderness], Operator]:  # noqa: ANN401
    def build(settings: Settings, clock: BoundedOutOfOrderness) -> Operator:
        windows = SlidingWindows(settings.size_ms, settings.slide_ms)
        return SlidingOperator(windows, aggregate, clock, settings.lateness_ms)

    return build


def _sessions(_: Settings, clock: BoundedOutOfOrderness) -> Operator:
    return SessionOperator(SessionWindows(SESSION_GAP_MS), SessionAggregate(), clock)


FRAUD: Final = FeatureSet(
    "fraud", TRANSACTIONS, "features-fraud", operator=_sliding(FraudAggregate())
)
PERSONALIZATION: Final = FeatureSet(
    "personalization",
    CLICKSTREAM,
    "features-personalization",
    operator=_sliding(PersonalizationAggregate()),
)
SESSION: Final = FeatureSet(
    "session",
    CLICKSTREAM,
    "features-session",
    operator=_sessions,
    margin_ms=1,
    serving_ms=SESSION_GAP_MS,
)

CATALOG: Final = (FRAUD, PERSONALIZATION, SESSION)
"""Every feature set, in the order in which dead letters of one record are written."""


def feature_sets(topic: str) -> tuple[FeatureSet, ...]:
    """Return the feature sets that read `topic`."""
    return tuple(feature_set for feature_set in CATALOG if feature_set.source == topic)
