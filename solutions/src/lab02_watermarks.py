# %% [markdown]
# # Lab 02: build the watermark
#
# You write the generator that tells a streaming job how far event time has come, measure which
# bound a stream needs, and keep one bad event from stopping everything.
#
# About 60 minutes. Needs lesson 02, no services.

# %% tags=["setup"]
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.trace.stories import STORY

# %% [markdown]
# ## Worked example: the largest time so far
#
# The ten events of the story, in the order of their arrival. Event 4 is older than event 3: it
# does not change the largest time. Run the cell and read it.

# %%
highest = 0
for number, event in enumerate(STORY, start=1):
    highest = max(highest, event.event_ms)
    print(f"event {number:>2}  t={event.event_ms:>6}  largest so far {highest:>6}")

# %% [markdown]
# ## 1. One watermark
#
# Events may be out of order by at most `bound_ms`. Once `max_seen_ms` is the largest event time
# seen, what is the watermark W? Remember what it says: *no event at or before W is expected any
# more*.
#
# The largest time less the bound is given. Finish the line.
#
# `watermark(14_000, bound_ms=4_000)` is `9_999`.


# %% tags=["exercise"]
def watermark(max_seen_ms: int, bound_ms: int) -> int:
    """Return the watermark in epoch milliseconds."""
    oldest_expected_ms = max_seen_ms - bound_ms
    # BEGIN SOLUTION
    return oldest_expected_ms - 1
    # END SOLUTION


# %% [markdown]
# ## 2. The generator
#
# Return the watermark that stands *after* each event: as many numbers as events. Use `watermark`.
#
# `watermarks([2_000, 8_000, 3_000], bound_ms=4_000)` is `[-2_001, 3_999, 3_999]`.


# %% tags=["exercise"]
def watermarks(times_ms: list[int], bound_ms: int) -> list[int]:
    """Return the watermark after each event, in the order of arrival."""
    # BEGIN SOLUTION
    after = []
    seen_ms = times_ms[0] if times_ms else 0
    for time_ms in times_ms:
        seen_ms = max(seen_ms, time_ms)
        after.append(watermark(seen_ms, bound_ms))
    return after
    # END SOLUTION


# %% [markdown]
# ## 3. Predict: the story
#
# The bound is 4 s. Write the watermark in milliseconds after event 4, after event 6 and after
# event
# 10. Use the table of the worked example and a pencil. Afterwards compare with your generator, in a
# cell of your own.


# %% tags=["exercise"]
def predict_watermarks() -> list[int]:
    """Return the watermarks after events 4, 6 and 10 of the story, in milliseconds."""
    # BEGIN SOLUTION
    return [3_999, 9_999, 12_999]
    # END SOLUTION


# %% [markdown]
# ## 4. The smallest bound that loses nothing
#
# An event is *behind* if its time is at or before the watermark that it meets. Return the smallest
# bound with which no event of the stream is behind. The stream has at least one event.
#
# `[5_000, 2_000]` needs `3_000`.


# %% tags=["exercise"]
def smallest_bound(times_ms: list[int]) -> int:
    """Return the smallest bound in milliseconds that keeps every event of the stream."""
    # BEGIN SOLUTION
    highest = times_ms[0]
    bound_ms = 0
    for time_ms in times_ms:
        highest = max(highest, time_ms)
        bound_ms = max(bound_ms, highest - time_ms)
    return bound_ms
    # END SOLUTION


# %% [markdown]
# ## 5. The bound that is worth its wait
#
# Every second of the bound delays every result by a second. Return the smallest bound with which
# at least `percent` percent of the events are not behind. Events in order count, too.
#
# Of `[5_000, 2_000]`, a bound of `0` keeps 50 percent.


# %% tags=["exercise"]
def bound_for_share(times_ms: list[int], percent: int) -> int:
    """Return the smallest bound in milliseconds that keeps `percent` percent, from 1 to 100."""
    # BEGIN SOLUTION
    highest = times_ms[0]
    distances = []
    for time_ms in times_ms:
        highest = max(highest, time_ms)
        distances.append(highest - time_ms)
    needed = (len(times_ms) * percent + 99) // 100
    return sorted(distances)[needed - 1]
    # END SOLUTION


# %% [markdown]
# ## 6. Bug hunt: the job that went silent
#
# At 10:00 a phone with a wrong clock sent an event from next year. Since then every other event
# has been late. Each event is `[event_ms, arrival_ms]`. Run the generator and find the moment.


# %%
def found_in_production(events: list[list[int]], bound_ms: int) -> None:
    clock = BoundedOutOfOrderness(bound_ms)
    for event_time, arrival in events:
        clock.observe(event_time)
        print(f"happened {event_time:>6}, arrived {arrival:>6}: W={clock.watermark_ms}")


log = [[5_000, 6_000], [900_000, 8_000], [9_000, 10_000]]
found_in_production(log, bound_ms=2_000)

# %% [markdown]
# Write the repaired one. An event whose time is more than `max_future_ms` after its arrival moves
# no watermark. Return the watermark after each event, `None` as long as no believable event has
# come.
#
# With `max_future_ms=1_000` the log above gives `[2_999, 2_999, 6_999]`.


# %% tags=["exercise"]
def guarded_watermarks(
    events: list[list[int]], bound_ms: int, max_future_ms: int
) -> list[int | None]:
    """Return the watermark after each [event_ms, arrival_ms], None where there is none yet."""
    # BEGIN SOLUTION
    highest = None
    after = []
    for event_ms, arrival_ms in events:
        if event_ms <= arrival_ms + max_future_ms:
            highest = event_ms if highest is None else max(highest, event_ms)
        after.append(None if highest is None else highest - bound_ms - 1)
    return after
    # END SOLUTION


# %% [markdown]
# ## Done?
#
# Say it in one sentence each. What does a watermark claim? What do you pay for a larger bound? Why
# does waiting not move a watermark? `study progress` shows what is left.
