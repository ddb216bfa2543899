# %% [markdown]
# # Lab 05: lateness and dead letters
#
# You judge late events by their windows, write a dead letter for what is lost, and repair a job
# that looked right and was not.
#
# About 65 minutes. Needs lesson 05, no services.

# %% tags=["setup"]
from studykit.trace.stories import BOUND_MS, SIZE_MS, STORY

# %% [markdown]
# ## Worked example: behind the watermark
#
# Bound 4 s. Which events of the story arrive at or behind the watermark? Being behind does not say
# yet what becomes of them. Run the cell and read it.

# %%
highest_ms = STORY[0].event_ms
for number, event in enumerate(STORY, start=1):
    watermark_ms = highest_ms - BOUND_MS - 1
    place = "behind" if event.event_ms <= watermark_ms else ""
    print(f"event {number:>2}  t={event.event_ms:>6}  meets W={watermark_ms:>6}  {place}")
    highest_ms = max(highest_ms, event.event_ms)

# %% [markdown]
# ## 1. The verdict
#
# Windows are 10 s long. A window is open until the watermark reaches its last millisecond; after
# that it still takes *late* events, and is *corrected*, until `lateness_ms` more have passed. Then
# it is gone.
#
# Return `"on time"`, `"late"` or `"dropped"`. The last millisecond is given.
#
# `verdict(3_000, watermark_ms=3_999, lateness_ms=3_000)` is `"on time"`.


# %% tags=["exercise"]
def verdict(event_ms: int, watermark_ms: int, lateness_ms: int) -> str:
    """Judge an arrival for its 10 s window: on time, late or dropped."""
    last_ms = event_ms // SIZE_MS * SIZE_MS + SIZE_MS - 1
    # BEGIN SOLUTION
    if watermark_ms < last_ms:
        return "on time"
    return "late" if watermark_ms < last_ms + lateness_ms else "dropped"
    # END SOLUTION


# %% [markdown]
# ## 2. Predict: four verdicts
#
# The worked example shows four events behind the watermark: 4, 7, 9 and 10. Windows of 10 s,
# allowed lateness 3 s. Write their verdicts, in this order. Use the printed watermarks, not your
# function.


# %% tags=["exercise"]
def predict_verdicts() -> list[str]:
    """Return the verdicts of events 4, 7, 9 and 10 of the story."""
    # BEGIN SOLUTION
    return ["on time", "late", "on time", "dropped"]
    # END SOLUTION


# %% [markdown]
# ## 3. Some windows, not all
#
# With sliding windows an event is in several, and each judges for itself. Return the starts of
# those that are gone: the watermark has reached their last millisecond plus the lateness. Earliest
# first.
#
# With `size_ms=10_000` and `slide_ms=5_000`, the event at `7_000` that meets the watermark `9_999`
# and no lateness misses `[0]`.


# %% tags=["exercise"]
def missed_windows(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int, lateness_ms: int
) -> list[int]:
    """Return the starts in ms of the windows that an event is too late for, earliest first."""
    # BEGIN SOLUTION
    last_start_ms = event_ms // slide_ms * slide_ms
    first_start_ms = last_start_ms - size_ms + slide_ms
    starts = range(first_start_ms, last_start_ms + 1, slide_ms)
    gone_ms = watermark_ms - lateness_ms - size_ms + 1
    return [start_ms for start_ms in starts if start_ms <= gone_ms]
    # END SOLUTION


# %% [markdown]
# ## 4. The dead letter
#
# Nothing is lost in silence. Without allowed lateness, return `None` for an event that missed no
# window. Else return a dict:
#
# - `reason`: `"late"` if all of its windows missed it, else `"partial_late"`
# - `late_by_ms`: how far it is behind the watermark
# - `missed_windows`: their starts, earliest first


# %% tags=["exercise"]
def dead_letter(event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int) -> dict | None:
    """Return the dead letter of an event, or None if it missed no window."""
    # BEGIN SOLUTION
    missed = missed_windows(event_ms, watermark_ms, size_ms, slide_ms, lateness_ms=0)
    if not missed:
        return None
    reason = "late" if len(missed) == size_ms // slide_ms else "partial_late"
    return {
        "reason": reason,
        "late_by_ms": watermark_ms - event_ms,
        "missed_windows": missed,
    }
    # END SOLUTION


# %% [markdown]
# ## 5. Bug hunt: grouped by window_start only
#
# A job sums by `window_start` and forgot `window_end`. Its dashboard looked right for months. Then
# the memory was full, and somebody added up its rows. Run it on three events and read every row.


# %%
def found_in_production(events: list[list[int]], size_ms: int) -> dict:
    rows, groups = [], {}
    for time_ms, amount in events:
        window_start = time_ms // size_ms * size_ms
        groups[window_start] = groups.get(window_start, 0) + amount
        rows.append([window_start, window_start + size_ms, groups[window_start]])
    return {"rows": rows, "open": sorted(groups)}


print(found_in_production([[2_000, 5], [5_000, 9], [16_000, 1]], SIZE_MS))

# %% [markdown]
# Write the repaired job. For each event: judge it by the watermark as it stands, add it to its
# window or count it as late, move the watermark, print what is complete. Return a dict:
#
# - `rows`: `[start, end, sum]` for each window when it fires, once, earliest first
# - `open`: the starts of windows that have not fired, ascending
# - `late`: the number of events that came too late


# %% tags=["exercise"]
def run_job(events: list[list[int]], size_ms: int, bound_ms: int) -> dict:
    """Return rows, open windows and late events of [event_ms, value], no allowed lateness."""
    # BEGIN SOLUTION
    rows, sums, late = [], {}, 0
    closed_ms = -(2**63)  # there is no watermark yet
    for event_ms, value in events:
        start_ms = event_ms // size_ms * size_ms
        if start_ms + size_ms <= closed_ms:
            late += 1
        else:
            sums[start_ms] = sums.get(start_ms, 0) + value
        closed_ms = max(closed_ms, event_ms - bound_ms)
        for done_ms in sorted(start for start in sums if start + size_ms <= closed_ms):
            rows.append([done_ms, done_ms + size_ms, sums.pop(done_ms)])
    return {"rows": rows, "open": sorted(sums), "late": late}
    # END SOLUTION


# %% [markdown]
# ## Done?
#
# Say it in one sentence each. What decides whether an event is late? What must a dead letter say,
# so that somebody can repair the window? How do you notice a job that never frees its state?
# `study progress` shows what is left.
