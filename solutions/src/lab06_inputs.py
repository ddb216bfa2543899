# %% [markdown]
# # Lab 06: who holds the clock
#
# You build what joins the watermarks of several inputs, judge an input that wakes, find out why a
# job prints nothing, and repair it.
#
# About 95 minutes. Needs lesson 06. Only the last cell, if you run it, starts a service.

# %% tags=["setup"]
from studykit.trace.stories import SIZE_MS

# %% [markdown]
# ## Worked example: two inputs in turn
#
# `p0` is ahead of `p1`. Each has its own watermark, with a bound of 4 s. Run the cell and read the
# last column: it follows whichever is behind.

# %%
newest_ms = {"p0": None, "p1": None}
for name, event_ms in [
    ("p0", 9_000),
    ("p1", 7_000),
    ("p0", 18_000),
    ("p0", 22_000),
    ("p1", 16_000),
]:
    newest_ms[name] = event_ms
    own = {name: time_ms - 4_001 for name, time_ms in newest_ms.items() if time_ms is not None}
    common = min(own.values()) if len(own) == 2 else None
    print(f"{name} t={event_ms:>6}  own {own}  common {common}")

# %% [markdown]
# ## 1. The smallest that counts
#
# Some inputs are **idle**: they were silent for so long that nobody waits for them. Return the
# common watermark: the smallest of the inputs that are not idle.
#
# - If one of those has said nothing yet (`None`), nothing is known: return `None`.
# - If all inputs are idle, return the largest watermark that was said, or `None`.
#
# `merge({"p0": 13_999, "p1": 14_999, "p2": 7_999}, idle=["p2"])` is `13_999`. Write the two lines
# that are missing.


# %% tags=["exercise"]
def merge(watermarks: dict[str, int | None], idle: list[str]) -> int | None:
    """Return the common watermark in ms of inputs by name; None as long as it is unknown."""
    active = [watermarks[name] for name in watermarks if name not in idle]
    if not active:
        return max((w for w in watermarks.values() if w is not None), default=None)
    # BEGIN SOLUTION
    if None in active:
        return None
    return min(active)
    # END SOLUTION


# %% [markdown]
# ## 2. Predict: when does it move?
#
# Two inputs, none of them ever idle, and five reports of their own watermarks:
#
# 1. p0 says 4_999
# 2. p1 says 2_999
# 3. p0 says 9_999
# 4. p0 says 14_999; then nothing comes for a minute
# 5. p1 says 11_999
#
# Write the common watermark after each report, `None` where it is unknown. Use no code.


# %% tags=["exercise"]
def predict_common() -> list[int | None]:
    """Return the common watermark after each of the five reports."""
    # BEGIN SOLUTION
    return [None, 2_999, 2_999, 2_999, 11_999]
    # END SOLUTION


# %% [markdown]
# ## 3. Idle from when to when?
#
# An input is idle once nothing has arrived for `idle_ms`, and awake again with the next arrival,
# however old that event is. Given are `[arrival_ms, event_ms]` of its events, in order of arrival,
# and the moment `until_ms` up to which you watch.
#
# Return the spans `[from_ms, to_ms]` of processing time in which the input is idle. A span that
# goes on is cut at `until_ms`; a span without length is none. Before its first event the input is
# not yet known, so it is not idle either.
#
# `idle_spans([[1_000, 900], [9_000, 8_900]], idle_ms=5_000, until_ms=10_000)` is
# `[[6_000, 9_000]]`.


# %% tags=["exercise"]
def idle_spans(events: list[list[int]], idle_ms: int, until_ms: int) -> list[list[int]]:
    """Return the spans of processing time, in ms, in which an input is idle."""
    # BEGIN SOLUTION
    arrivals = [arrival_ms for arrival_ms, _ in events]
    spans = zip(arrivals, [*arrivals[1:], until_ms], strict=False)
    return [[spoke + idle_ms, woke] for spoke, woke in spans if spoke + idle_ms < woke]
    # END SOLUTION


# %% [markdown]
# ## 4. The combiner
#
# Now with a memory. A report is `[input, watermark]`, or `[input, None]` if that input has fallen
# idle. A report of a watermark wakes an idle input. Return the common watermark after each report,
# `None` until it is known.
#
# Inputs never go back, and the result does not either: a report below what the same input said
# before changes nothing but that it is awake.
#
# `common_watermarks(["p0", "p1"], [["p0", 4_999], ["p1", None], ["p0", 9_999]])` is
# `[None, 4_999, 9_999]`.


# %% tags=["exercise"]
def common_watermarks(inputs: list[str], reports: list[list]) -> list[int | None]:
    """Return the common watermark in ms after each report; None as long as it is unknown."""
    # BEGIN SOLUTION
    nothing = -(2**63)
    latest, idle, common, told = dict.fromkeys(inputs, nothing), set(), nothing, []
    for name, watermark_ms in reports:
        if watermark_ms is None:
            idle.add(name)
        else:
            idle.discard(name)
            latest[name] = max(latest[name], watermark_ms)
        active = [latest[name] for name in inputs if name not in idle]
        common = max(common, min(active) if active else max(latest.values()))
        told.append(None if common == nothing else common)
    return told
    # END SOLUTION


# %% [markdown]
# ## 5. An input wakes
#
# An input was idle, and the common watermark went on to `common_ms` without it. Now it wakes and
# brings events of the past, with `times` in order of arrival. The other inputs wait. Windows
# tumble, there is no allowed lateness.
#
# Return the times of the events that find their window fired.
#
# `dropped_at_waking([8_000, 12_000], common_ms=11_999, bound_ms=4_000, size_ms=10_000)` is
# `[8_000]`.


# %% tags=["exercise"]
def dropped_at_waking(times: list[int], common_ms: int, bound_ms: int, size_ms: int) -> list[int]:
    """Return the event times in ms that come too late for their windows, in order of arrival."""
    # BEGIN SOLUTION
    return [
        event_ms for event_ms in times if event_ms // size_ms * size_ms + size_ms - 1 <= common_ms
    ]
    # END SOLUTION


# %% [markdown]
# ## 6. Bug hunt: it runs and prints nothing
#
# The window that ends at `end_ms` has not come out. The status page has a line for each input: its
# name, its own watermark (`None`: it has said nothing) and its **lag**, how many of its records
# nobody has read yet. Three colleagues want to change the sink, the bound and the memory.


# %%
status = [
    {"name": "p0", "watermark": 13_999, "lag": 900},
    {"name": "p1", "watermark": 12_999, "lag": 0},
    {"name": "p2", "watermark": 7_999, "lag": 0},
]
print(f"the window that ends at {SIZE_MS} is not there, and p0 has the longest queue")

# %% [markdown]
# Return `[input, remedy]`. The input is the one with the smallest watermark of those that keep the
# window from firing; saying nothing is less than any number. The remedy:
#
# - `"let it read on"` if it has a lag: it is slow, and what it holds would come late
# - `"mark it idle"` if it has none: it is empty
#
# If no input keeps the window, return `["none", "look at the sink"]`.


# %% tags=["exercise"]
def find_the_holder(inputs: list[dict], end_ms: int) -> list[str]:
    """Return the input that keeps the window [.., end_ms) from firing, and the remedy."""
    # BEGIN SOLUTION
    nothing = -(2**63)
    known = [nothing if row["watermark"] is None else row["watermark"] for row in inputs]
    if min(known) >= end_ms - 1:
        return ["none", "look at the sink"]
    holder = inputs[known.index(min(known))]
    return [holder["name"], "let it read on" if holder["lag"] else "mark it idle"]
    # END SOLUTION


# %% [markdown]
# ## 7. Write the orders
#
# Five people have written the combiner of exercise 4, and each got one thing wrong. They take the
# largest; keep idle inputs in; go back; never wake an idle input; forget who has not spoken.
#
# Write tests that the right one passes and all five fail. A test is
# `[reports, common watermark at the end]`, for the two inputs `"a"` and `"b"`:
#
# `[[["a", 9], ["b", 3]], 3]`


# %% tags=["exercise"]
def my_orders() -> list[list]:
    """Return tests [reports, expected], expected None as long as nothing is known."""
    # BEGIN SOLUTION
    return [
        [[["a", 9]], None],
        [[["a", 9], ["b", None], ["b", 3]], 9],
        [[["a", 1], ["b", 2], ["b", None], ["a", 5], ["b", 6], ["a", 8]], 6],
    ]
    # END SOLUTION


# %% [markdown]
# ## 8. Repair one setting
#
# A job reads a topic of four partitions, runs well, and prints nothing. The status has a line for
# each partition: how many `records` it holds, its `lag` (how many of these nobody has read), and
# `pause_ms`, the longest silence between two of its records. The settings of the job:
#
# - `bound_ms`: how long it waits for events out of order
# - `idle_ms`: after what silence it leaves a partition out; 0 means never
# - `fetch_rows`: how many records it reads at once
# - `flush_ms`: how often its sink writes

# %% [markdown]
# Return the settings with **one** of them repaired. If some partition is **empty** and some is not,
# set the idle timeout to the smallest whole second, in milliseconds, that is longer than every
# pause of those that are not empty. In every other case return the settings as they are: what is
# slow has to be read, and where all are empty there is nothing to print.


# %% tags=["exercise"]
def repaired_settings(partitions: list[dict], settings: dict[str, int]) -> dict[str, int]:
    """Return the settings of a job that prints nothing, with the one that is wrong repaired."""
    # BEGIN SOLUTION
    pauses = [row["pause_ms"] for row in partitions if row["records"]]
    if len(pauses) in (0, len(partitions)):
        return settings
    return {**settings, "idle_ms": (max(pauses) // 1_000 + 1) * 1_000}
    # END SOLUTION


# %% [markdown]
# Now for real. The next cell starts a Kafka with a topic of four partitions,
# <!-- no claim: ours --> and to one of them nobody writes. It runs the job as it was found, gives
# the status to your function, runs the job again by your settings, and stops everything: half a
# minute. It counts for no mark, and needs nothing that `make up` has started. Take the `#` away.
# Then repair another setting, or set the timeout to 1 s, and run it again: one partition sends what
# it has every 1.4 s.

# %%
# from studykit.services.live import silent_job; silent_job.show(repaired_settings)

# %% [markdown]
# `study status` shows the records of each partition for the topics of the real pipeline. There the
# setting is called `--idle-seconds`, for the job on Flink waits for its slowest partition, too.
# <!-- claim: flink-minimum-over-inputs --> In the development processor each partition has a clock
# of its own, so that an empty one holds nobody.

# %% [markdown]
# ## Done?
#
# Say it in one sentence each. Which input holds the common watermark? What does idleness buy, and
# who pays? Which two numbers tell an empty input from a slow one? `study progress` shows what is
# left.
