# %% [markdown]
# # Lab 15: how would you know
#
# You write an oracle and a shrinker, close books, put tests on trial, and add a feature that has to
# agree with the reference on every log.
#
# About 80 minutes. Needs lesson 15. Nothing is started; all of it runs here.

# %% tags=["setup"]
from itertools import pairwise

SIZE_MS, BOUND_MS = 10_000, 4_000
END_MS = 10**18  # later than every payment


def is_wrong(times_ms: list[int], size_ms: int, bound_ms: int) -> bool:
    """Return whether a job whose watermark is a millisecond early is wrong on a log."""
    return any(
        max(times_ms[:place]) - bound_ms == time_ms - time_ms % size_ms + size_ms - 1
        for place, time_ms in enumerate(times_ms)
        if place
    )


def without_each(times_ms: list[int]) -> list[list[int]]:
    """Return all logs that have one payment less, the first without the first."""
    return [times_ms[:place] + times_ms[place + 1 :] for place in range(len(times_ms))]


# %% [markdown]
# ## Worked example: a test that cannot fail
#
# Two jobs say which payments come too late, by their places in the log. The second has forgotten
# the bound. Run the cell: one log tells them apart, and one does not.


# %%
def late(times_ms, bound_ms):
    return [
        place
        for place, time_ms in enumerate(times_ms)
        if place and max(times_ms[:place]) >= time_ms - time_ms % SIZE_MS + SIZE_MS + bound_ms
    ]


for log in ([1_000, 12_000, 31_000], [12_000, 5_000]):
    print(log, "right:", late(log, BOUND_MS), "without a bound:", late(log, 0))

# %% [markdown]
# ## 1. An oracle
#
# The places of the late payments once more, for any size and bound, and in a form that nobody can
# doubt: ask of each payment alone whether one *before* it was far enough to complete its window.
#
# `late_places([1_000, 14_000, 6_000], size_ms=10_000, bound_ms=4_000)` is `[2]`.


# %% tags=["exercise"]
def late_places(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Return the places of the payments that came too late."""
    late = []
    for place, time_ms in enumerate(times_ms):
        end_ms = time_ms - time_ms % size_ms + size_ms
        # BEGIN SOLUTION
        if any(earlier_ms >= end_ms + bound_ms for earlier_ms in times_ms[:place]):
            late.append(place)
        # END SOLUTION
    return late


# %% [markdown]
# ## 2. Predict: who is killed
#
# A job has windows of 10 s and a bound of 4 s. There are three mutants of it:
#
# - *early*: its watermark is newest - 4_000, without the further millisecond
# - *patient*: it calls a window complete at W >= end, not at W >= end - 1
# - *hasty*: its bound is 0
#
# Five logs: `[1_000, 12_000, 31_000]`, `[14_000, 5_000]`, `[13_999, 5_000]`, `[10_000, 5_000]`,
# `[14_001, 5_000]`. How many of the three mutants does each kill?


# %% tags=["exercise"]
def predict_kills() -> list[int]:
    """Return five numbers from 0 to 3."""
    # BEGIN SOLUTION
    return [0, 1, 2, 1, 0]
    # END SOLUTION


# %% [markdown]
# ## 3. The smallest log
#
# `is_wrong(times_ms, size_ms, bound_ms)` says whether a certain job is wrong on a log, and
# `without_each(times_ms)` gives all logs with one payment less, from the front. Leave out
# the first payment without which the job is still wrong; then begin again at the front, until none
# can be left out. The job is wrong on each log that you are given.
#
# `shrunk([1_000, 13_999, 5_000], size_ms=10_000, bound_ms=4_000)` is `[13_999, 5_000]`.


# %% tags=["exercise"]
def shrunk(times_ms: list[int], size_ms: int, bound_ms: int) -> list[int]:
    """Return a log from which nothing can be left out."""
    while True:
        # BEGIN SOLUTION
        wrong = [log for log in without_each(times_ms) if is_wrong(log, size_ms, bound_ms)]
        if not wrong:
            return times_ms
        times_ms = wrong[0]
        # END SOLUTION


# %% [markdown]
# ## 4. Bug hunt: books that do not close
#
# `came` payments have come. `rows` are `[start_ms, revision, count]`, delivered in any order and
# some twice; a larger revision replaces a smaller one. `letters` name the payments that are
# reported, some twice. `held` are `[start_ms, count]` of windows that the job still keeps: open
# ones, and those that were told and wait for corrections. These books say that payments are
# missing, or that there are too many. Run them.


# %%
def found_in_production(came, rows, letters, held):
    return came - sum(row[2] for row in rows) - len(letters) - sum(count for _, count in held)


print(found_in_production(6, [[0, 0, 3], [0, 1, 4]], [], [[0, 4], [10_000, 2]]))

# %% [markdown]
# Nothing was lost there. Return how many payments are in no window and in no letter.
#
# `nowhere(6, [[0, 0, 3], [0, 1, 4]], letters=[], held=[[0, 4], [10_000, 2]])` is `0`.


# %% tags=["exercise"]
def nowhere(came: int, rows: list[list[int]], letters: list[str], held: list[list[int]]) -> int:
    """Return how many payments are nowhere."""
    # BEGIN SOLUTION
    counts = {}
    for start_ms, _, count in sorted(rows, key=lambda row: row[1]):
        counts[start_ms] = count
    for start_ms, count in held:
        counts[start_ms] = count
    return came - sum(counts.values()) - len(set(letters))
    # END SOLUTION


# %% [markdown]
# ## 5. Write the tests
#
# The job of exercise 2 has six mutants now. It says which payments are late, by their places, in
# windows of 10 s with a bound of 4 s. The mutants
#
# - are a millisecond early
# - are a millisecond late
# - wait for no bound
# - judge the payment's own time, not its window's end
# - let the watermark go back
# - hold the end inside: 10 s is in [0, 10)
#
# A test is `[times_ms, late_places]`, as in `[[1_000, 31_000, 6_000], [2]]`. Return tests that the
# right job passes, and that kill all six.


# %% tags=["exercise"]
def my_logs() -> list[list]:
    """Return tests [times_ms, late_places] that kill every mutant."""
    # BEGIN SOLUTION
    return [
        [[13_999, 5_000], []],
        [[14_000, 12_000, 9_000], [2]],
        [[14_000, 10_000], []],
    ]
    # END SOLUTION


# %% [markdown]
# ## 6. A feature, end to end
#
# For each window the longest gap between two payments that are neighbours in event time; 0 for a
# single payment. Rows are `[start_ms, revision, gap_ms]`, in the order in which they are told:
#
# - a window is told, revision 0, when W reaches end - 1; windows due at once by their start
# - a payment that still comes within `lateness_ms` tells it again at once, with the next revision
# - what comes later still is left out; at the end of the log the windows that were not told are
#
# `longest_gaps([1_000, 9_000, 14_000, 4_000], size_ms=10_000, bound_ms=4_000, lateness_ms=3_000)`
# is `[[0, 0, 8_000], [0, 1, 5_000], [10_000, 0, 0]]`.


# %% tags=["exercise"]
def longest_gaps(times_ms: list[int], size_ms: int, bound_ms: int, lateness_ms: int) -> list:
    """Return the rows [start_ms, revision, gap_ms] of a log."""
    # BEGIN SOLUTION
    rows, kept, told, seen = [], {}, {}, []
    for time_ms in [*times_ms, END_MS]:
        start_ms = time_ms - time_ms % size_ms
        is_taken = all(old < start_ms + size_ms + bound_ms + lateness_ms for old in seen)
        if is_taken:
            kept[start_ms] = sorted([*kept.get(start_ms, []), time_ms])
        due = [start_ms] if is_taken and start_ms in told else []
        seen.append(time_ms)
        due += [s for s in sorted(kept) if s not in told and max(seen) >= s + size_ms + bound_ms]
        for s in due:
            told[s] = told.get(s, -1) + 1
            rows.append([s, told[s], max([b - a for a, b in pairwise(kept[s])], default=0)])
    return rows
    # END SOLUTION


# %% [markdown]
# ## Done?
#
# Say it in one sentence each. What makes an oracle an oracle? Which two sides has an edge? When do
# books close that should not? And the last step is not in this notebook: write your feature's
# runbook page, and let somebody else follow it.
