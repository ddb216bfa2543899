# %% [markdown]
# # Lab 07: who frees this byte
#
# You keep state for each key, set timers, pair what belongs together in both orders, repair a
# filter that never forgets, and hand it to a real engine.
#
# About 70 minutes. Needs lessons 03 and 05. Only the last cell, if you run it, starts an engine.

# %% tags=["setup"]
HOUR_MS = 3_600_000

# %% [markdown]
# ## Worked example: state of a key
#
# A counter for each key: read the state, change it, write it. Run the cell. Nothing ever leaves
# the dict: for three keys that is fine, for every card in the world it is not.

# %%
state = {}
for key in ["a", "b", "a", "c", "a"]:
    state[key] = state.get(key, 0) + 1
    print(f"{key}: {state[key]}   held: {len(state)} keys")

# %% [markdown]
# ## 1. The value before
#
# Events are `[key, value]`. Return for each by how much its value differs from the last one of the
# same key, `None` for the first of a key. What happens with `state` is missing.
#
# `changes([["a", 5], ["b", 9], ["a", 3]])` is `[None, None, -2]`.


# %% tags=["exercise"]
def changes(events: list[list]) -> list[int | None]:
    """Return by how much each event differs from the last of its key."""
    state, found = {}, []
    for key, value in events:
        # BEGIN SOLUTION
        found.append(value - state[key] if key in state else None)
        state[key] = value
        # END SOLUTION
    return found


# %% [markdown]
# ## 2. Predict: how much is held?
#
# In each of 24 hours 1,000 visits begin, each with an id of its own, all at the start of the hour.
# The state is one entry for each id. Two functions: one never clears anything, the other sets a
# timer and clears the entry when two hours have passed in event time.
#
# Write four numbers of entries: without clearing when the watermark is at the start of hour 23 (the
# hours are 0 to 23), and at the end of the stream, where the watermark goes to infinity; then the
# same two with timers.


# %% tags=["exercise"]
def predict_state() -> list[int]:
    """Return the entries held: without clearing twice, with timers twice."""
    # BEGIN SOLUTION
    return [24_000, 24_000, 2_000, 0]
    # END SOLUTION


# %% [markdown]
# ## 3. Silent
#
# A card is silent at T if it had an event at T - `silence_ms` and none later up to T, T included.
# That is certain once the watermark has reached T. Event times are given in any order.
#
# Return the times at which the card is known to be silent, ascending, each once.
#
# `silences([0, 60_000], silence_ms=5_000, watermark_ms=70_000)` is `[5_000, 65_000]`.


# %% tags=["exercise"]
def silences(times: list[int], silence_ms: int, watermark_ms: int) -> list[int]:
    """Return the times in ms at which a silence is complete."""
    # BEGIN SOLUTION
    ends = []
    ordered = sorted(set(times))
    for place, time_ms in enumerate(ordered):
        ended_ms = time_ms + silence_ms
        spoke = place + 1 < len(ordered) and ordered[place + 1] <= ended_ms
        if not spoke and ended_ms <= watermark_ms:
            ends.append(ended_ms)
    return ends
    # END SOLUTION


# %% [markdown]
# ## 4. In both orders
#
# A payment is authorised, `["auth", id]`, and captured, `["capture", id]`. The two come through two
# logs, and either may be read first. One authorisation belongs to one capture of the same id; of
# several that wait, it does not matter which.
#
# Return a dict: `pairs`, the ids in the order in which pairs were complete, and `held`, the ids of
# which something still waits, ascending, each once.
#
# `pair_up([["capture", "x"], ["auth", "x"], ["auth", "y"]])` is `{"pairs": ["x"], "held": ["y"]}`.


# %% tags=["exercise"]
def pair_up(events: list[list[str]]) -> dict:
    """Return the ids whose pairs are complete, and the ids that still wait."""
    # BEGIN SOLUTION
    waiting, pairs = {}, []
    for kind, name in events:
        side = 1 if kind == "auth" else -1
        if waiting.get(name, 0) * side < 0:
            pairs.append(name)
        waiting[name] = waiting.get(name, 0) + side
        if waiting[name] == 0:
            del waiting[name]
    return {"pairs": pairs, "held": sorted(waiting)}
    # END SOLUTION


# %% [markdown]
# ## 5. Bug hunt: the filter that never forgets
#
# A filter stops repeated messages by their id. After a month its memory is full, and a customer
# complains that her second order of the year was not booked. Run it.


# %%
def found_in_production(messages: list[list]) -> list[list]:
    known, let_through = set(), []
    for message in messages:
        if message[0] not in known:
            known.add(message[0])
            let_through.append(message)
    return let_through


print(found_in_production([["x", 0], ["x", 1_000], ["x", 2 * HOUR_MS]]))

# %% [markdown]
# Write the repaired filter. Events `[id, time_ms]` come in order of their times. An id passes if it
# has not passed within the last `ttl_ms`; exactly `ttl_ms` later it passes again. Return a dict:
#
# - `passed`: the events that pass
# - `held`: the ids that would still be stopped at the time of the last event, ascending


# %% tags=["exercise"]
def first_only(events: list[list], ttl_ms: int) -> dict:
    """Return the events that pass, and the ids held when the last one has come."""
    # BEGIN SOLUTION
    passed, since_ms = [], {}
    for name, time_ms in events:
        if name not in since_ms or since_ms[name] + ttl_ms <= time_ms:
            passed.append([name, time_ms])
            since_ms[name] = time_ms
    held = [name for name in since_ms if since_ms[name] + ttl_ms > events[-1][1]]
    return {"passed": passed, "held": sorted(held)}
    # END SOLUTION


# %% [markdown]
# ## 6. The steps of a keyed function
#
# The same filter for a real engine. The engine keeps one number for each key, or none, and calls
# your function with it: for a message of the key, or for a timer of the key. Messages may be out of
# order. A timer comes when the watermark has reached its time. Your function keeps nothing itself:
# it answers with steps, and the engine does them.
#
# - `["tell"]`: the message passes
# - `["keep", ms]`: keep this number for the key
# - `["timer", ms]`: call again when the watermark has reached this time
# - `["clear"]`: keep nothing for the key

# %% [markdown]
# A message passes if nothing is kept, or if it is at least `ttl_ms` later than what is kept. Then
# its time is kept, and a timer is set for the moment at which it may be forgotten: return these
# three steps in the order of the list. A timer clears what was kept for `ttl_ms`; something newer
# stays. Where nothing is to do, return no steps.
#
# `next_steps(None, "message", 5_000, 60_000)` is
# `[["tell"], ["keep", 5_000], ["timer", 65_000]]`.


# %% tags=["exercise"]
def next_steps(kept_ms: int | None, kind: str, time_ms: int, ttl_ms: int) -> list[list]:
    """Return the steps for a "message" or a "timer" at `time_ms`."""
    # BEGIN SOLUTION
    if kept_ms is not None and time_ms - kept_ms < ttl_ms:
        return []
    if kind == "timer":
        return [["clear"]]
    return [["tell"], ["keep", time_ms], ["timer", time_ms + ttl_ms]]
    # END SOLUTION


# %% [markdown]
# Now for real. The next cell gives your function to a `KeyedProcessFunction`
# <!-- no claim: ours --> in this kernel: 90 messages of 24 ids. It says which messages passed, and
# for how many ids a number is kept: at most, and at the end. Predict the last number, and then the
# same without the step `timer`. It takes about a minute, and counts for no mark. The engine is
# downloaded if it is not here yet, and nothing runs on when the kernel ends. Take both `#` away.

# %%
# from studykit.services.packages import need_flink; need_flink()
# from studykit.flink import keyed_filter; keyed_filter.show(next_steps)

# %% [markdown]
# ## Done?
#
# Say it in one sentence each. Whose state does an event see? What frees the state of a key that
# never comes again? Why does a repetition not begin the time anew? `study progress` shows what is
# left.
