# %% [markdown]
# # Lab 04: sliding panes and sessions
#
# You find all windows of an event, build a window from panes instead of copies, and merge sessions
# when a late event builds a bridge.
#
# About 55 minutes. Needs lesson 04, no services.

# %% [markdown]
# ## Worked example: a window from its panes
#
# Windows of 10 s that start every 5 s share stretches of 5 s, the *panes*. The sum of a window is
# the sum of its panes: nothing is counted again. Run the cell and read it.

# %%
panes = {0: 14, 5_000: 3, 10_000: 7}

for start_ms in (0, 5_000):
    parts = [panes[start_ms], panes[start_ms + 5_000]]
    print(f"[{start_ms}, {start_ms + 10_000}) = {parts} = {sum(parts)}")

# %% [markdown]
# ## 1. All windows of an event
#
# Windows of `size_ms` start at every multiple of `slide_ms`; the slide divides the size. Return
# the starts of those that hold the event, earliest first. The last start is given.
#
# `window_starts(7_000, size_ms=10_000, slide_ms=5_000)` is `[0, 5_000]`.


# %% tags=["exercise"]
def window_starts(event_ms: int, size_ms: int, slide_ms: int) -> list[int]:
    """Return the starts in ms of the sliding windows that hold an event, earliest first."""
    last_ms = event_ms - event_ms % slide_ms
    # BEGIN SOLUTION
    return list(range(last_ms - size_ms + slide_ms, last_ms + 1, slide_ms))
    # END SOLUTION


# %% [markdown]
# ## 2. Panes
#
# Each event is `[event_ms, value]`. Return a row `[start, sum]` for each pane of `slide_ms` that
# has an event, earliest first. The loop and the last line are given.
#
# `pane_sums([[7_000, 3], [2_000, 5]], slide_ms=5_000)` is `[[0, 5], [5_000, 3]]`.


# %% tags=["exercise"]
def pane_sums(events: list[list[int]], slide_ms: int) -> list[list[int]]:
    """Return [start in ms, sum of the values] of each pane with an event."""
    sums: dict[int, int] = {}
    for event_ms, value in events:
        # BEGIN SOLUTION
        start_ms = event_ms // slide_ms * slide_ms
        sums[start_ms] = sums.get(start_ms, 0) + value
        # END SOLUTION
    return [[start_ms, sums[start_ms]] for start_ms in sorted(sums)]


# %% [markdown]
# ## 3. Predict: how many sessions?
#
# The gap is 5 s. Events of one key arrive at event times 0, 4, 12, 20, 17 and 8 s, in this order.
# An event opens `[event, event + 5)`; sessions that overlap *or touch* are one. Write how many
# sessions there are after each event.


# %% tags=["exercise"]
def predict_sessions() -> list[int]:
    """Return the number of sessions after each of the six events."""
    # BEGIN SOLUTION
    return [1, 1, 2, 3, 2, 1]
    # END SOLUTION


# %% [markdown]
# ## 4. Sessions of a stream
#
# All times of one key are known, in any order. Return `[start, end]` of each session, earliest
# first. A session ends one gap after its last event.
#
# `sessions([9_000, 0, 4_000], gap_ms=5_000)` is `[[0, 14_000]]`.


# %% tags=["exercise"]
def sessions(times_ms: list[int], gap_ms: int) -> list[list[int]]:
    """Return [start, end] in ms of each session, earliest first."""
    # BEGIN SOLUTION
    found: list[list[int]] = []
    for time_ms in sorted(times_ms):
        if found and time_ms <= found[-1][1]:
            found[-1][1] = time_ms + gap_ms
        else:
            found.append([time_ms, time_ms + gap_ms])
    return found
    # END SOLUTION


# %% [markdown]
# ## 5. Bug hunt: the bridge
#
# A stream cannot sort. This store adds one event at a time, in any order. Sometimes two sessions
# of one visitor overlap, and both are paid for. Run it and find the event that causes it.


# %%
def found_in_production(sessions: list[list[int]], event_ms: int, gap_ms: int) -> list[list[int]]:
    for session in sessions:
        if session[0] <= event_ms + gap_ms and event_ms <= session[1]:
            session[0] = min(session[0], event_ms)
            session[1] = max(session[1], event_ms + gap_ms)
            return sessions
    return sorted([*sessions, [event_ms, event_ms + gap_ms]])


print(found_in_production([[0, 5_000], [9_000, 14_000]], 4_500, gap_ms=5_000))

# %% [markdown]
# Write the repaired store. Return the sessions, earliest first, with the event in them. The
# sessions that come in lie apart; those that go out do too.
#
# The call above has to give `[[0, 14_000]]`.


# %% tags=["exercise"]
def add_event(sessions: list[list[int]], event_ms: int, gap_ms: int) -> list[list[int]]:
    """Return the sessions [start, end] of a key after one more event."""
    # BEGIN SOLUTION
    merged = [event_ms, event_ms + gap_ms]
    apart = []
    for start_ms, end_ms in sessions:
        if start_ms <= event_ms + gap_ms and event_ms <= end_ms:
            merged = [min(merged[0], start_ms), max(merged[1], end_ms)]
        else:
            apart.append([start_ms, end_ms])
    return sorted([*apart, merged])
    # END SOLUTION


# %% [markdown]
# ## Done?
#
# Say it in one sentence each. Why are panes cheaper than copies? When do two sessions become one?
# What is wrong with a row that was printed before the bridge came? `study progress` shows what is
# left.
