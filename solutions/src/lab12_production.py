# %% [markdown]
# # Lab 12: one job in production
#
# You find what the usual job loses, compare two programs row by row, write the heart of the job
# that loses nothing, repair its settings, and decide what a start may take from a saved state.
#
# About 73 minutes. Needs lesson 12. Only the last cell, if you run it, starts services and a job.

# %% tags=["setup"]
def is_closed(last_ms, times_ms, bound_ms):
    """Return whether the watermark of some events has reached a window's last millisecond."""
    return bool(times_ms) and last_ms <= max(times_ms) - bound_ms - 1


# %% [markdown]
# ## Worked example: two that judge
#
# In the usual job two parts judge an event: at the source somebody compares its window with
# `CURRENT_WATERMARK` and writes a dead letter if it is late; behind that the window itself drops
# what comes too late, without a word. <!-- no claim: ours --> Run the cell. After #2 both know the
# same. Then the job is started again. What does each of them know now?

# %%
times = [2_000, 14_000]
for who, remembers in [("judge", []), ("window", times)]:
    closed = is_closed(9_999, remembers, bound_ms=4_000)
    print(f"the {who} knows that [0, 10_000) is closed: {closed}")

# %% [markdown]
# The window's watermark is in the checkpoint. <!-- no claim: ours --> That of the source is not: it
# has no value until an event comes. <!-- claim: flink-current-watermark-is-null-at-first -->

# %% [markdown]
# ## 1. Without a letter
#
# `times_ms` are event times in order of arrival, windows are tumbling. Right before the event in
# place `restart` the job was killed, and goes on from a checkpoint of that moment.
# <!-- no claim: ours --> (0 means never.)
#
# Return the places of the events that vanish: their window is closed, and the judge, who knows only
# of the events since the restart, does not find it closed. The comparison is missing. The first
# cell has `is_closed`.
#
# `vanished([14_000, 6_000], 4_000, 10_000, restart=1)` is `[1]`; with `restart=0` it is `[]`.


# %% tags=["exercise"]
def vanished(times_ms: list[int], bound_ms: int, size_ms: int, restart: int) -> list[int]:
    """Return the places of the events that are dropped without a letter."""
    lost = []
    for place, event_ms in enumerate(times_ms):
        last_ms = event_ms // size_ms * size_ms + size_ms - 1
        first = restart if place >= restart else 0
        since = times_ms[first:place]
        # BEGIN SOLUTION
        forgotten = not is_closed(last_ms, since, bound_ms)
        if forgotten and is_closed(last_ms, times_ms[:place], bound_ms):
            lost.append(place)
        # END SOLUTION
    return lost


# %% [markdown]
# ## 2. Predict: seen at last
#
# A job writes a row at each full second, 1, 2, 3 and so on, in transactions. At 10 s, 20 s and so
# on, right after its row, a checkpoint commits what was written. <!-- no claim: ours --> At 27.5 s
# it is killed; it goes on from its newest checkpoint, and writes the rows since then once more, as
# far as it had come. <!-- no claim: ours --> Then it ends with a last commit.

# %% [markdown]
# How many rows does a careful reader, who takes only committed ones, see at 9.5 s? And at 25.5 s?
# How many rows does a careless one read in the end? And how many does the careful one read twice?


# %% tags=["exercise"]
def predict_seen() -> list[int]:
    """Return the four numbers, in this order."""
    # BEGIN SOLUTION
    return [0, 20, 34, 0]
    # END SOLUTION


# %% [markdown]
# ## 3. Row by row
#
# `ours` and `flinks` are the rows `[key, end_ms, value]` of two programs, each in an order of its
# own. A window is a key and an end, and it may have several rows.
#
# Return each window whose rows are not the same on both sides: `[key, end_ms, our values, its
# values]`, both lists of values sorted, and the windows sorted by key and end.
#
# `differences([["a", 10_000, 5]], [["a", 10_000, 5], ["a", 10_000, 5]])` is
# `[["a", 10_000, [5], [5, 5]]]`.


# %% tags=["exercise"]
def differences(ours: list[list], flinks: list[list]) -> list[list]:
    """Return the windows that differ, with the values of both sides."""
    # BEGIN SOLUTION
    windows = {}
    for side, rows in enumerate((ours, flinks)):
        for key, end_ms, value in rows:
            windows.setdefault((key, end_ms), ([], []))[side].append(value)
    found = []
    for window in sorted(windows):
        mine, others = map(sorted, windows[window])
        if mine != others:
            found.append([*window, mine, others])
    return found
    # END SOLUTION


# %% [markdown]
# ## 4. The heart of the job
#
# `records` are `[partition, event_ms]` in the order in which the job reads them; there are
# `partitions` of them, numbered from 0. Windows are tumbling and count the records of all
# partitions. A record is *late* if its window is closed by the watermark of its own partition,
# before the record moves it. A window *fires* once the smallest watermark of all partitions has
# reached its last millisecond. Return a dict:

# %% [markdown]
# - `"fired"`: `[end_ms, count]` of each window with a record in it that has fired when all records
#   are read, by end
# - `"late"`: the places of the late records
#
# `job_rows([[0, 2_000], [0, 14_000], [1, 6_000]], 2, 4_000, 10_000)` is
# `{"fired": [], "late": []}`.


# %% tags=["exercise"]
def job_rows(records: list[list[int]], partitions: int, bound_ms: int, size_ms: int) -> dict:
    """Return the windows that have fired, with their counts, and the places of late records."""
    # BEGIN SOLUTION
    times, counts, late = {}, {}, []
    for place, (partition, event_ms) in enumerate(records):
        own = times.setdefault(partition, [])
        end_ms = event_ms // size_ms * size_ms + size_ms
        if is_closed(end_ms - 1, own, bound_ms):
            late.append(place)
        else:
            counts[end_ms] = counts.get(end_ms, 0) + 1
        own.append(event_ms)
    slowest = [min(map(max, times.values()))] if len(times) == partitions else []
    ends = [end_ms for end_ms in sorted(counts) if is_closed(end_ms - 1, slowest, bound_ms)]
    return {"fired": [[end_ms, counts[end_ms]] for end_ms in ends], "late": late}
    # END SOLUTION


# %% [markdown]
# ## 5. Bug hunt: twice, or not at all
#
# *Symptom:* after each restart rows are there twice, and after a long one some are missing.
# *Must not change:* `checkpoint_s`, and every setting that has nothing to do with it. These are the
# settings as they were found.

# %%
found = {"checkpoint_s": 30, "topic": "features", "transaction_timeout_s": 60}
print(found)

# %% [markdown]
# Return a repaired copy: `"delivery"` is `"exactly-once"`, `"isolation"`, that of the readers, is
# `"read_committed"`, and `"transaction_timeout_s"` is at least `checkpoint_s` and `restart_s`
# together, as a transaction is open for so long, and at most `broker_most_s`, as more is refused. A
# timeout that fits stays; one that does not becomes `broker_most_s`. Return `None` if no timeout
# fits. A missing timeout stands for 3,600 s, and a missing word for the wrong one.


# %% tags=["exercise"]
def repaired(settings: dict, restart_s: int, broker_most_s: int) -> dict | None:
    """Return settings that neither lose nor repeat rows; None where there are none."""
    # BEGIN SOLUTION
    least_s = settings["checkpoint_s"] + restart_s
    if least_s > broker_most_s:
        return None
    timeout_s = settings.get("transaction_timeout_s", 3_600)
    if not least_s <= timeout_s <= broker_most_s:
        timeout_s = broker_most_s
    right = {"delivery": "exactly-once", "isolation": "read_committed"}
    return {**settings, **right, "transaction_timeout_s": timeout_s}
    # END SOLUTION


# %% [markdown]
# ## 6. Stopped, changed, started again
#
# A job was stopped with a savepoint, was changed, and is started from it. <!-- no claim: ours -->
# `saved` says of each uid `[greatest parallelism, window size in ms]`, 0 for no window. `plan` has
# the operators of the new job: `[uid, greatest parallelism, window size in ms]`, the uid `None`
# where nobody gave one. The start is refused because of a saved uid if

# %% [markdown]
# - no operator has it, and dropping state was not allowed by `may_drop`
# - the operator that has it asks for another greatest parallelism or another window
#
# Return a dict: `"refused"`, the uids because of which the start is refused, sorted; `"kept"`, the
# uids whose state goes on, sorted; `"empty"`, the places in `plan` of the operators that begin
# without state. If the start is refused the last two are empty.
#
# `resumed({"clock": [128, 0]}, [[None, 128, 0]], may_drop=True)` is
# `{"refused": [], "kept": [], "empty": [0]}`.


# %% tags=["exercise"]
def resumed(saved: dict[str, list[int]], plan: list[list], may_drop: bool) -> dict:
    """Return why a start is refused, or whose state goes on and which operators begin empty."""
    # BEGIN SOLUTION
    claims = {uid: asked for uid, *asked in plan}
    refused = []
    for uid, held in saved.items():
        fits = claims[uid] == held if uid in claims else may_drop
        if not fits:
            refused.append(uid)
    if refused:
        return {"refused": sorted(refused), "kept": [], "empty": []}
    empty = [place for place, (uid, *_) in enumerate(plan) if uid not in saved]
    return {"refused": [], "kept": sorted(set(saved) & set(claims)), "empty": empty}
    # END SOLUTION


# %% [markdown]
# Now for real. The next cell starts services and the production job, stops the job with a savepoint
# <!-- no claim: ours --> and starts it twice from there: with windows twice as long, and with those
# that it had. It prints what your function says of both, and what the job does. About two minutes;
# everything is stopped and removed, and it counts for no mark. What is missing is downloaded.
# Predict both, and take both `#` away.

# %%
# from studykit.services.packages import need_flink; need_flink()
# from studykit.flink import upgrade; upgrade.show(resumed)

# %% [markdown]
# ## Done?
#
# Say it in one sentence each. Who forgets what in a restart of the usual job? When does a row show?
# What do two programs have to agree in? Whose watermark decides what, and whose when? Which three
# things make exactly once? What does a start do with a state that nobody claims? `study progress`
# shows what is left.
