"""The catalog of feature sets: their names, the topics they read, the operators that compute them.

Both executions, dead letters, metrics and the store take names and topics from here.
"""

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
"""What an aggregate is given: an event and its offset, which orders the events of a millisecond."""


class Operator(Protocol):
    """What the processor asks of a window operator: `SlidingOperator` or `SessionOperator`."""

    @property
    def next_ms(self) -> int:
        """The smallest watermark at which `on_watermark` has something to do."""

    @property
    def windows_per_event(self) -> int:
        """How many windows each event is in."""

    def on_event(self, key: str, event_ms: int, value: EventValue, offset: int) -> Sequence[int]:
        """Count an event; return the starts of the windows that the event missed."""

    def on_watermark(self) -> None:
        """Fire the windows that the watermark has completed."""

    def take(self) -> list[Firing[Any]]:
        """Return the firings since the last call."""

    def needed(self) -> Iterator[Position]:
        """Yield the positions from which the windows that are not yet purged can be rebuilt."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A family of features of one kind of entity, such as a card or a user."""

    name: str
    source: str
    """The topic whose events are counted."""
    target: str
    """The topic that the rows go to."""
    operator: Callable[[Settings, BoundedOutOfOrderness], Operator]
    """Makes the operator of one partition, which follows the partition's own watermark."""
    margin_ms: int | None = None
    """How far ahead of the watermark an event must lie to be admitted; None admits every event.

    Sessions have a margin of 1 ms: only `event_time > watermark + 1` is admitted. Which session an
    event would join cannot be known before the shuffle by key, and sessions that touch merge. With
    the margin no event can ever touch a fired session, so every execution makes the same sessions.
    """
    serving_ms: int | None = None
    """How long a row serves, milliseconds; None for window size and allowed lateness together."""

    def redis_key(self, key: str) -> str:
        """Return the key of an entity's hash in the feature store.

        >>> FRAUD.redis_key("card_00042")
        'features:fraud:card_00042'
        """
        return f"features:{self.name}:{key}"

    def ttl_ms(self, settings: Settings) -> int:
        """Return the time to live of a row in the feature store, milliseconds of wall time.

        The time begins with the write. So a row of an old window that is written late, as after a
        replay, lives as long as a fresh one: a reader compares `window_end` with its own time.
        """
        if self.serving_ms is not None:
            return self.serving_ms
        return settings.size_ms + settings.lateness_ms


def _sliding(aggregate: Any) -> Callable[[Settings, BoundedOutOfOrderness], Operator]:  # noqa: ANN401
    def build(settings: Settings, clock: BoundedOutOfOrderness) -> Operator:
        windows = SlidingWindows(settings.size_ms, settings.slide_ms)
        return SlidingOperator(windows, aggregate, clock, settings.lateness_ms)

    return build


def _sessions(_: Settings, clock: BoundedOutOfOrderness) -> Operator:
    # Without allowed lateness, whatever the settings: `margin_ms` admits no event that could belong
    # to a session that has fired.
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
"""Every feature set, in the order in which the dead letters of a record are written.

A new set stands last: the production job would not find the state of sets that move."""


def feature_sets(topic: str) -> tuple[FeatureSet, ...]:
    """Return the feature sets that read `topic`, in the order of `CATALOG`."""
    return tuple(feature_set for feature_set in CATALOG if feature_set.source == topic)
