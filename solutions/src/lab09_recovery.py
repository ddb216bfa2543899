# %% [markdown]
# # Lab 09: killed at any step
#
# You write down what a restart needs, align two barriers, find the right watermark, put the state
# of each key where it will be looked for, and drive a worker that is killed five times.
#
# About 90 minutes. Needs lesson 09. Only the last cell, if you run it, starts services.

# %% tags=["setup"]
from zlib import crc32

# %% [markdown]
# ## Worked example: a kill
#
# A job adds up a log. After three records it notes its total and its offset; then it is killed.
# Whatever it had counted since is gone. Run the cell: the second run ends with the right total.

# %%
log = [5, 9, 3, 4, 8]
total = sum(log[:3])
noted = {"offset": 3, "total": total}
total += log[3]  # counted, and then: kill -9

total = noted["total"] + sum(log[noted["offset"] :])
print("after the restart:", total, "undisturbed:", sum(log))

# %% [markdown]
# ## 1. The checkpoint
#
# A job adds up `values`. Its reader fetches in batches: `fetched` records are in memory, and the
# first `counted` of them are in the total. Now a checkpoint is made. <!-- no claim: ours -->
#
# Return `[offset, total]`, so that a second run which begins with this total, and reads from this
# offset on, ends with the right sum.
#
# `checkpoint([5, 9, 3, 4], fetched=4, counted=2)` is `[2, 14]`. <!-- no claim: ours -->


# %% tags=["exercise"]
def checkpoint(values: list[int], fetched: int, counted: int) -> list[int]:
    """Return the offset to read on from, and the total that belongs to it."""
    waiting = values[counted:fetched]  # fetched, and not counted yet
    # BEGIN SOLUTION
    return [fetched - len(waiting), sum(values[:counted])]
    # END SOLUTION


# %% [markdown]
# ## 2. Predict: one kill, four designs
#
# The log is 1, 2, 4, 8, 16. A checkpoint is made when 1 and 2 have been counted.
# <!-- no claim: ours --> When 1 to 8 have been counted, the job is killed. It begins again, and
# reads to the end. What is the total then?
#
# 1. The checkpoint holds the total and the offset. <!-- no claim: ours -->
# 2. It holds the total; the reader goes on where it *was*, behind the 8.
# 3. It holds the offset only.
# 4. It holds the total only; the reader begins at the beginning.


# %% tags=["exercise"]
def predict_kill() -> list[int]:
    """Return the four totals at the end."""
    # BEGIN SOLUTION
    return [31, 19, 28, 34]
    # END SOLUTION


# %% [markdown]
# ## 3. Two barriers
#
# An operator adds up what comes from two inputs. Arrivals are `["left", 5]` or `["right", 5]`; a
# barrier is `["left", "|"]` or `["right", "|"]`, and each input has at most one. The input whose
# barrier has come waits, until the other barrier is there, too. Then the total is saved.
#
# Return a dict: `saved`, the total that is saved, `None` if a barrier does not come; and `waiting`,
# the values that had to wait, in their order. What comes behind both barriers is not your matter.
#
# `align([["left", 1], ["left", "|"], ["left", 2], ["right", 10], ["right", "|"]])` is
# `{"saved": 11, "waiting": [2]}`.


# %% tags=["exercise"]
def align(arrivals: list[list]) -> dict:
    """Return the total that is saved, and the values that wait for the second barrier."""
    # BEGIN SOLUTION
    total, passed, waiting = 0, set(), []
    for side, what in arrivals:
        if what == "|":
            passed.add(side)
            if len(passed) == 2:
                return {"saved": total, "waiting": waiting}
        elif side in passed:
            waiting.append(what)
        else:
            total += what
    return {"saved": None, "waiting": waiting}
    # END SOLUTION


# %% [markdown]
# ## 4. The watermark of the second run
#
# The times of a log's events, in the order of their offsets. The first run made a checkpoint at
# `offset`, so `times_ms[:offset]` came before it; it was killed when it had read `killed`
# events. <!-- no claim: ours --> The second run begins at `offset`. The watermark is the newest
# time - `bound_ms` - 1.
#
# Return the watermark after each event that the second run reads: the same that an undisturbed
# job would have had.
#
# `second_run([10_000, 14_000, 9_000, 17_000], offset=2, killed=3, bound_ms=4_000)` is
# `[9_999, 12_999]`.


# %% tags=["exercise"]
def second_run(times_ms: list[int], offset: int, killed: int, bound_ms: int) -> list[int]:
    """Return the watermark in ms after each event from the offset on."""
    # BEGIN SOLUTION
    places = range(offset, len(times_ms))
    return [max(times_ms[: place + 1]) - bound_ms - 1 for place in places]
    # END SOLUTION


# %% [markdown]
# ## 5. A sample that comes back
#
# A job looks closely at some payments: of `every` names it takes about one. It was killed, and
# reads again from `offset` on. It must choose the same payments as before, wherever it begins,
# and in every process. So the name itself decides: it is in the sample if its code, the `crc32`
# of its bytes, can be divided by `every`.
#
# Return the names of the second run that are in the sample, in their order; a name that comes twice
# is in it twice. `now_ms` is the clock on the wall when the second run begins. (`name.encode()`
# gives the bytes of a text.)


# %% tags=["exercise"]
def sampled(names: list[str], offset: int, every: int, now_ms: int) -> list[str]:
    """Return the names from the offset on that are in the sample."""
    # BEGIN SOLUTION
    return [name for name in names[offset:] if crc32(name.encode()) % every == 0]
    # END SOLUTION


# %% [markdown]
# ## 6. More workers
#
# The state of each key lies in a checkpoint, and the job begins again with another number of
# workers. <!-- no claim: ours --> A key belongs to a group for good: its code, as in exercise
# 5, % `groups`. A worker has a range of groups: group g belongs to worker g * `workers` //
# `groups`.
#
# Return a list with a dict for each worker: the keys that it gets, with their values. The order of
# keys does not matter.


# %% tags=["exercise"]
def rescaled(state: dict[str, int], groups: int, workers: int) -> list[dict[str, int]]:
    """Return the state of each worker, from worker 0 on."""
    # BEGIN SOLUTION
    parts = [{} for _ in range(workers)]
    for key, value in state.items():
        group = crc32(key.encode()) % groups
        parts[group * workers // groups][key] = value
    return parts
    # END SOLUTION


# %% [markdown]
# ## 7. Bug hunt: the job that comes back
#
# A record is `[value, refused]`. The store refuses it `refused` times, and takes it then: a trouble
# that passes. If the value is `None`, nobody can read the record, today or tomorrow. Run the job.


# %%
def found_in_production(records: list[list], restarts: int) -> str:
    for offset, (value, refused) in enumerate(records):
        for attempt in range(restarts + 1):
            if value is not None and attempt >= refused:
                break
            print(f"offset {offset}: failed, begins again from the checkpoint")
        else:
            return f"given up at offset {offset}"
    return "done"


print(found_in_production([[5, 1], [None, 0], [3, 0]], restarts=3))

# %% [markdown]
# Write the repaired job. A record that nobody can read becomes a dead letter, without a restart. A
# record that is refused is tried again, with a restart for each failure, up to `restarts` restarts
# in a row; if it is refused after that, too, the job stops there. Return a dict:
#
# - `total`: the sum of the values that were taken
# - `letters`: the offsets of the dead letters
# - `restarts`: how many restarts there were in all
# - `stopped`: the offset at which the job stopped, `None` if it got to the end


# %% tags=["exercise"]
def run_job(records: list[list], restarts: int) -> dict:
    """Return total, dead letters, restarts and where the job stopped."""
    # BEGIN SOLUTION
    result = {"total": 0, "letters": [], "restarts": 0, "stopped": None}
    for offset, record in enumerate(records):
        value, refused = record
        if value is None:
            result["letters"].append(offset)
            continue
        result["restarts"] += min(refused, restarts)
        if refused > restarts:
            result["stopped"] = offset
            break
        result["total"] += value
    return result
    # END SOLUTION


# %% [markdown]
# ## 8. Killed five times
#
# A worker on a real broker adds up numbers. <!-- no claim: ours --> For each number it has a
# row. It asks *you* what to do next, and tells you how many numbers it has read, how many rows
# of them are written, up to where it has committed, and that a checkpoint is due when `every`
# numbers or more have been read since the last commit. <!-- no claim: ours -->
#
# - `["read", read]`: read the next number, as long as no checkpoint is due <!-- no claim: ours -->
# - `["write", read]`: write all rows that are not written yet
# - `["commit", read]`: make a checkpoint <!-- no claim: ours -->

# %% [markdown]
# Rows may be written twice: they are the same rows. None may be lost, whenever the worker is
# killed.


# %% tags=["exercise"]
def next_action(read: int, written: int, committed: int, every: int) -> list:
    """Return what the worker does next, and the number that belongs to it."""
    # BEGIN SOLUTION
    if read - committed < every:
        return ["read", read]
    if written < read:
        return ["write", read]
    return ["commit", read]
    # END SOLUTION


# %% [markdown]
# Now for real. The next cell starts a Kafka and a Redis in a folder of their own, runs your worker,
# ends it five times with `kill -9`, compares the rows with what they should be, and stops
# everything: about a minute. <!-- no claim: ours --> It counts for no mark, and needs nothing
# that `make up` has started. Take the `#` away. Then commit *before* you write, and run it
# again.

# %%
# from studykit.services.kills.rig import KillRig; KillRig("lab09").show(next_action)

# %% [markdown]
# ## Done?
#
# Say it in one sentence each. What belongs to a checkpoint, besides the state? Why is the watermark
# part of it, and the clock on the wall not? Which of two steps comes first, and who pays for that?
# `study progress` shows what is left.
