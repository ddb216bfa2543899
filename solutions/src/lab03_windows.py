# %% [markdown]
# # Lab 03: assign windows
#
# You cut event time into windows, count what the watermark has completed, and write tests that
# catch assigners which are wrong by a millisecond.
#
# About 50 minutes. Needs lesson 03, no services.

# %% tags=["setup"]
from studykit.trace.stories import SIZE_MS, STORY

# %% [markdown]
# ## Worked example: one window
#
# A window `[start, end)` holds its start and not its end. Which events of the story are inside of
# `[0, 10_000)`, in the order of arrival? Run the cell and read it.

# %%
for number, event in enumerate(STORY, start=1):
    inside = 0 <= event.event_ms < SIZE_MS
    print(f"event {number:>2}  t={event.event_ms:>6}  {'inside' if inside else 'outside'}")

# %% [markdown]
# ## 1. Which window?
#
# Tumbling windows follow each other without a gap; every start is a multiple of the size. Return
# the start of the window that holds the event. Times before 1970 are negative and follow the same
# rule.
#
# The distance to the start is what is missing.
#
# `window_start(12_000, size_ms=10_000)` is `10_000`, and `window_start(-1, size_ms=10_000)` is
# `-10_000`.


# %% tags=["exercise"]
def window_start(event_ms: int, size_ms: int) -> int:
    """Return the start in ms of the tumbling window that holds an event."""
    # BEGIN SOLUTION
    behind_start_ms = event_ms % size_ms
    # END SOLUTION
    return event_ms - behind_start_ms


# %% [markdown]
# ## 2. Days that begin at 23:00
#
# With an offset, every start is `offset_ms + n * size_ms`. Return the window as `[start, end]`.
# The last line is given.
#
# `assign(12_000, size_ms=10_000, offset_ms=3_000)` is `[3_000, 13_000]`.


# %% tags=["exercise"]
def assign(event_ms: int, size_ms: int, offset_ms: int) -> list[int]:
    """Return start and end, in ms, of the window that holds an event."""
    # BEGIN SOLUTION
    start_ms = window_start(event_ms - offset_ms, size_ms) + offset_ms
    # END SOLUTION
    return [start_ms, start_ms + size_ms]


# %% [markdown]
# ## 3. Predict: five starts
#
# Windows of 10 s, no offset. Write the starts of the windows that hold events at `9_999`,
# `10_000`, `-1`, `-10_000` and `-10_001`. Draw the line instead of running code.


# %% tags=["exercise"]
def predict_starts() -> list[int]:
    """Return the five starts in ms, in the order of the question."""
    # BEGIN SOLUTION
    return [0, 10_000, -10_000, -10_000, -20_000]
    # END SOLUTION


# %% [markdown]
# ## 4. Count what is complete
#
# Return a row `[start, count]` for each window that has fired, earliest first: the watermark has
# reached the window's last millisecond. A window without events has no row.
#
# `fired_counts([2_000, 5_000, 11_000], size_ms=10_000, watermark_ms=9_999)` is `[[0, 2]]`.


# %% tags=["exercise"]
def fired_counts(times_ms: list[int], size_ms: int, watermark_ms: int) -> list[list[int]]:
    """Return [start in ms, number of events] of each window that has fired."""
    # BEGIN SOLUTION
    counts: dict[int, int] = {}
    for time_ms in times_ms:
        start_ms = window_start(time_ms, size_ms)
        if watermark_ms >= start_ms + size_ms - 1:
            counts[start_ms] = counts.get(start_ms, 0) + 1
    return [[start_ms, counts[start_ms]] for start_ms in sorted(counts)]
    # END SOLUTION


# %% [markdown]
# ## 5. Write the tests that catch ours
#
# We wrote five wrong assigners. One always answers 0, one lets windows hold their end, one rounds
# to the nearest start, one cuts towards zero, one knows windows of 10 s only.
#
# Write tests `[event_ms, size_ms, start_ms]`. The right assigner has to pass all of them, and each
# wrong one has to fail at least one. The fewer, the better.
#
# `[12_000, 10_000, 10_000]` is a test; it catches one of the five.


# %% tags=["exercise"]
def my_tests() -> list[list[int]]:
    """Return tests [event_ms, size_ms, start_ms] for an assigner of tumbling windows."""
    # BEGIN SOLUTION
    return [
        [10_000, 10_000, 10_000],
        [-1, 10_000, -10_000],
        [7_000, 5_000, 5_000],
    ]
    # END SOLUTION


# %% [markdown]
# ## Done?
#
# Say it in one sentence each. To which window does a boundary belong? When does a window fire?
# Where do you look first when you test an assigner? `study progress` shows what is left.
