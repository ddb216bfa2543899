# %% [markdown]
# # Lab 11: the same rules on Flink
#
# You write the SQL and the Python that Flink runs: a watermark, a window that fires, a verdict
# before it, a function for a whole window. <!-- no claim: ours -->
#
# About 70 minutes. Needs lesson 11. Nothing is started for you: checks read your SQL themselves.
# <!-- no claim: ours --> One button runs it on the real Flink, if you press it.
# <!-- no claim: ours -->

# %% tags=["setup"]
from itertools import pairwise

# %% [markdown]
# ## Worked example: a table, and what is in it
#
# All queries of this lab read one table. Run the cell. Which of its columns is the event time, and
# where would a bound of 4 s stand?

# %%
TABLE = """
CREATE TABLE payments (
  event_ms BIGINT, card STRING, amount BIGINT,
  rt AS TO_TIMESTAMP_LTZ(event_ms, 3),
  WATERMARK FOR rt AS {watermark}
) WITH (...)
"""
print(TABLE.format(watermark="rt"))

# %% [markdown]
# `rt` is the event time. `WATERMARK FOR rt AS rt` says: after an event at T nothing at or before T
# is expected, so every event that is out of order is behind it. The bound stands in place of the
# last `rt`, and that text is your first answer.

# %% [markdown]
# ## 1. The watermark of a table
#
# Return the text behind `AS`, for a bound in milliseconds, which is below a minute. The span is
# written in seconds with three decimals. How many there are is missing.
#
# `watermark_sql(30_000)` is `"rt - INTERVAL '30.001' SECOND"`. Any text that means the same is
# right.


# %% tags=["exercise"]
def watermark_sql(bound_ms: int) -> str:
    """Return the expression of a watermark that is `bound_ms` and a millisecond behind."""
    # BEGIN SOLUTION
    seconds, thousandths = divmod(bound_ms + 1, 1_000)
    # END SOLUTION
    return f"rt - INTERVAL '{seconds}.{thousandths:03}' SECOND"


# %% [markdown]
# ## 2. Predict: four forms, one sum
#
# Six payments of one card arrive at event times 2, 13, 14, 6, 18 and 3 s. The bound is 4 s, windows
# are tumbling and last 10 s. At the end of the log all open windows fire.
#
# How many payments are counted by a window in SQL? <!-- no claim: ours --> How many by a DataStream
# window with an allowed lateness of 3 s, if bundles hold one record? And how many with the usual
# bundle of a thousand? Last: how many rows, counting those that are taken back, does `SELECT card,
# SUM(amount) FROM payments GROUP BY card` give?


# %% tags=["exercise"]
def predict_counts() -> list[int]:
    """Return the four numbers, in this order."""
    # BEGIN SOLUTION
    return [4, 5, 6, 11]
    # END SOLUTION


# %% [markdown]
# ## 3. Bug hunt: it never lets go
#
# *Symptom:* the state of this job grows day by day, its sums are right, and an append-only sink
# refuses its rows. Read the query as it is.


# %%
def as_found(size_s: int, slide_s: int) -> str:
    return f"""
    SELECT card, window_start, COUNT(*), SUM(amount)
    FROM TABLE(HOP(TABLE payments, DESCRIPTOR(rt),
      INTERVAL '{slide_s}' SECOND, INTERVAL '{size_s}' SECOND))
    GROUP BY card, window_start
    """


print(as_found(10, 5))

# %% [markdown]
# Return the repaired query, for windows of `size_s` seconds of which one begins every `slide_s`
# seconds. The size is a multiple of the slide, and both are below a hundred. Select the same four
# columns in the same order; everything else may be written as you like.


# %% tags=["exercise"]
def sums_sql(size_s: int, slide_s: int) -> str:
    """Return a query with a row for each card and window, once the window is complete."""
    # BEGIN SOLUTION
    spans = f"INTERVAL '{slide_s}' SECOND, INTERVAL '{size_s}' SECOND"
    windows = f"TABLE(HOP(TABLE payments, DESCRIPTOR(rt), {spans}))"
    columns = "card, window_start, COUNT(*), SUM(amount)"
    return f"SELECT {columns} FROM {windows} GROUP BY card, window_start, window_end"
    # END SOLUTION


# %% [markdown]
# And now for real: the button runs your query on a Flink in this notebook, over the ten events of
# the story. <!-- no claim: ours --> It takes about half a minute, and needs 1 GB of memory.
# <!-- no claim: ours --> Run it once with `as_found` in place of `sums_sql`, and compare the first
# column.

# %%
from studykit.widgets.query_run import QueryRun

QueryRun(sums_sql, size_s=10, slide_s=5)

# %% [markdown]
# ## 4. Judge before the window
#
# A window in SQL drops what is late, without a word. <!-- no claim: ours --> So say it before. The
# row has two columns: `event_ms`, its event time, and `seen`, the largest event time so far, its
# own included. Times are not negative.
#
# Return an expression that is `'late'` if the tumbling window of the event, of `size_ms`, has fired
# at the watermark that follows from `seen` and the bound, and `'on time'` if not. You may use
# numbers, `+ - * / %`, comparisons, `AND`, `OR`, `NOT`, `CASE WHEN … THEN … ELSE … END`, `IF`,
# `MOD`, `FLOOR`, `GREATEST` and `CAST`.


# %% tags=["exercise"]
def verdict_sql(size_ms: int, bound_ms: int) -> str:
    """Return the expression of the verdict on an event."""
    # BEGIN SOLUTION
    last_ms = f"event_ms - MOD(event_ms, {size_ms}) + {size_ms} - 1"
    return f"CASE WHEN {last_ms} <= seen - {bound_ms} - 1 THEN 'late' ELSE 'on time' END"
    # END SOLUTION


# %% [markdown]
# ## 5. Late in bundles
#
# A Python function stands before the window, and events travel to it in bundles of `bundle`: the
# first so many, then the next. <!-- no claim: ours --> The watermark waits until a bundle is back.
# <!-- claim: flink-python-bundle-holds-the-watermark --> It is the newest of all events that are
# back, minus the bound, minus 1.
#
# `times_ms` are event times in the order in which they arrive, none of them negative. Windows are
# tumbling, without lateness. Return the places of the events whose window had fired when they set
# out.
#
# `late_in_bundles([2_000, 14_000, 6_000], 4_000, 10_000, bundle=1)` is `[2]`; with `bundle=3` it is
# `[]`. <!-- no claim: ours -->


# %% tags=["exercise"]
def late_in_bundles(times_ms: list[int], bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    """Return the places of the late events."""
    # BEGIN SOLUTION
    late = []
    for place, event_ms in enumerate(times_ms):
        back = times_ms[: place - place % bundle]
        last_ms = event_ms // size_ms * size_ms + size_ms - 1
        if back and last_ms <= max(back) - bound_ms - 1:
            late.append(place)
    return late
    # END SOLUTION


# %% [markdown]
# ## 6. Once for a window
#
# SQL gathers the payments of a window into one text, and calls Python once. <!-- no claim: ours -->
# The text has a payment for each part between semicolons: event time, cents, and the watermark that
# the payment met, with a space between two. It is in the order in which the parts arrived. A part
# may be empty, and stands for nothing; so may the text, or it is `None`.

# %% [markdown]
# Of these payments those count that met a watermark at which the window, which ends at `end_ms`,
# had not fired. Return `None` if there is none; else a dict:
#
# - `"count"` and `"sum_cents"`
# - `"longest_gap_ms"`: the longest time between two neighbours by event time, 0 for one payment
#
# `finished("5000 700 -4001;1000 500 999", end_ms=10_000)` is
# `{"count": 2, "sum_cents": 1_200, "longest_gap_ms": 4_000}`.


# %% tags=["exercise"]
def finished(lines: str | None, end_ms: int) -> dict[str, int] | None:
    """Return count, sum and longest gap of a window's payments; None without any."""
    # BEGIN SOLUTION
    payments = [tuple(map(int, line.split())) for line in (lines or "").split(";") if line]
    inside = sorted(payment for payment in payments if payment[2] < end_ms - 1)
    if not inside:
        return None
    gaps = [after[0] - before[0] for before, after in pairwise(inside)]
    return {
        "count": len(inside),
        "sum_cents": sum(payment[1] for payment in inside),
        "longest_gap_ms": max(gaps, default=0),
    }
    # END SOLUTION


# %% [markdown]
# ## Done?
#
# Say it in one sentence each. Where does the millisecond go, in SQL and in a DataStream?
# <!-- no claim: ours --> Which two columns let a window fire? Who drops late events without a word,
# and who says so? What does a bundle decide that it should not? `study progress` shows what is
# left.
