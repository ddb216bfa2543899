# %% [markdown]
# # Lab 01: two clocks
#
# You read times from messy producers and count by the clock that matters. At the end a log gives
# the same answers however often, and in whatever order, it is read.
#
# About 45 minutes. Needs lesson 01, no services.

# %% tags=["setup"]
from datetime import datetime, timedelta, timezone

from studykit.trace.stories import STORY

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# %% [markdown]
# ## Worked example: how long was each event on its way?
#
# *Event time* is when something happened, *processing time* is when we got it. The difference is
# the event's delay. Nothing to do here: run the cell and read it.

# %%
delays_ms = [event.arrival_ms - event.event_ms for event in STORY]
slowest = 1 + delays_ms.index(max(delays_ms))

print(delays_ms)
print(f"event {slowest} waited longest: {max(delays_ms)} ms")

# %% [markdown]
# The last event took 17 seconds. Everything in this course is about what to do until it comes.

# %% [markdown]
# ## 1. From text to milliseconds
#
# Producers send texts such as `2026-03-01T10:00:00.250+05:30`. Return the whole milliseconds from
# 1970-01-01 00:00 UTC to that instant. The first line is given; finish the second.
#
# For `1970-01-01T00:00:01+00:00` the answer is `1000`.


# %% tags=["exercise"]
def to_epoch_ms(text: str) -> int:
    """Return the instant that `text` names, in epoch milliseconds."""
    moment = datetime.fromisoformat(text)
    # BEGIN SOLUTION
    return (moment - EPOCH) // timedelta(milliseconds=1)
    # END SOLUTION


# %% [markdown]
# ## 2. One unit
#
# Three producers, three units: ten digits are seconds, thirteen are milliseconds, sixteen are
# microseconds. Return whole milliseconds. A part of a millisecond is cut off, never rounded up.
# One branch is given.
#
# For `1772359200` the answer is `1772359200000`.


# %% tags=["exercise"]
def to_ms(stamp: int) -> int:
    """Return a stamp of ten, thirteen or sixteen digits in milliseconds."""
    if stamp < 10**11:
        return stamp * 1_000
    # BEGIN SOLUTION
    return stamp if stamp < 10**14 else stamp // 1_000
    # END SOLUTION


# %% [markdown]
# ## 3. Predict: who is out of order?
#
# Eight events arrive in this order, with these event times in seconds:
#
# | arrival | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |
# |---|---|---|---|---|---|---|---|---|
# | event time | 4 | 9 | 6 | 7 | 12 | 10 | 11 | 13 |
#
# An event is out of order if one that arrived before it happened later. Write the arrival numbers
# of those events. Use your eyes, not code.


# %% tags=["exercise"]
def predict_out_of_order() -> list[int]:
    """Return the arrival numbers of the events that are out of order, in ascending order."""
    # BEGIN SOLUTION
    return [3, 4, 6, 7]
    # END SOLUTION


# %% [markdown]
# ## 4. Count by the right minute
#
# Each event is a pair `[event_ms, arrival_ms]`. Return a row `[start of the minute, count]` in
# milliseconds for each minute in which something *happened*, earliest first. Minutes without
# events have no row.
#
# `[[60_000, 61_000], [10_000, 62_000]]` gives `[[0, 1], [60_000, 1]]`.


# %% tags=["exercise"]
def counts_per_minute(events: list[list[int]]) -> list[list[int]]:
    """Return [start of the minute in ms, number of events], earliest first."""
    # BEGIN SOLUTION
    counts: dict[int, int] = {}
    for event_ms, _arrival_ms in events:
        start = event_ms // 60_000 * 60_000
        counts[start] = counts.get(start, 0) + 1
    return [[start, counts[start]] for start in sorted(counts)]
    # END SOLUTION


# %% [markdown]
# ## 5. Bug hunt: the balance that changes on replay
#
# This job keeps the latest balance of each card. Customers complain: after each replay of the log
# some balances are different. Run it with both orders and look.


# %%
def found_in_production(events: list[list]) -> dict[str, int]:
    balances = {}
    for _event_ms, card, balance in events:
        balances[card] = balance
    return balances


happened = [[1_000, "a", 50], [2_000, "a", 70]]
print(found_in_production(happened), found_in_production(happened[::-1]))

# %% [markdown]
# Write the repaired job. The latest *event time* wins. Two events of a card at the same
# millisecond: the larger balance wins, so that every order of arrival gives the same answer.


# %% tags=["exercise"]
def latest_by_key(events: list[list]) -> dict[str, int]:
    """Return each card's latest balance. An event is [event_ms, card, balance]."""
    # BEGIN SOLUTION
    latest: dict[str, tuple[int, int]] = {}
    for event_ms, card, balance in events:
        newer = (event_ms, balance)
        latest[card] = max(latest.get(card, newer), newer)
    return {card: balance for card, (_, balance) in latest.items()}
    # END SOLUTION


# %% [markdown]
# ## Done?
#
# Say in one sentence each, to somebody or to yourself: which of the two clocks survives a replay?
# Why is the largest time so far worth remembering? `study progress` shows what is left, and `study
# next` what comes next.
