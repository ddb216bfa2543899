# %% [markdown]
# # Lab 10: twice, late, or never
#
# You repair a store that counts a restart, guard a write, say what three readers get, and write
# the tests that no wrong sink passes.
#
# About 90 minutes. Needs lesson 10. The last exercise has a button that starts services for half a
# minute; nothing depends on it.

# %% tags=["setup"]
LIVES = ("first life", "second life")

# %% [markdown]
# ## Worked example: the second time
#
# A job writes to a store, is killed, and writes the same again, because it cannot know whether the
# store got it. Run the cell: two stores, one that adds and one that sets.

# %%
added, fixed = 0, 0
for life in LIVES:
    added += 12
    fixed = 12
    print(f"{life}: the store that adds holds {added}, the one that sets holds {fixed}")

# %% [markdown]
# ## 1. The store that counts the restart
#
# A job adds up payments, and tells a store after each. After every `every` payments it takes a
# checkpoint. <!-- no claim: ours --> After payment number `killed_after` it is killed, once, before
# that checkpoint; then it goes on from the newest one. <!-- no claim: ours --> (0 means never.) The
# store lives on. In production its totals are too high. Run it.


# %%
def found_in_production(values: list[int], every: int, killed_after: int) -> list[int]:
    store, seen, saved = 0, [], 0
    for life in LIVES:
        place = saved
        for value in values[place:]:
            store += value  # what the store is told
            seen.append(store)
            place += 1
            if life == LIVES[0] and place == killed_after:
                break
            if place % every == 0:
                saved = place
        else:
            return seen  # not killed


print(found_in_production([5, 3, 4], every=2, killed_after=3))

# %% [markdown]
# Repair it: return what the store holds after each write, in both lives. Only what the job counts
# and tells is missing.
#
# `totals_held([5, 3, 4], every=2, killed_after=3)` is `[5, 8, 12, 12]`.


# %% tags=["exercise"]
def totals_held(values: list[int], every: int, killed_after: int) -> list[int]:
    """Return what the store holds after each write."""
    held, saved = [], (0, 0)
    for life in LIVES:
        total, place = saved
        for value in values[place:]:
            # BEGIN SOLUTION
            total += value
            held.append(total)
            # END SOLUTION
            place += 1
            if life == LIVES[0] and place == killed_after:
                break
            if place % every == 0:
                saved = (total, place)
        else:
            return held  # not killed


# %% [markdown]
# ## 2. The guarded write
#
# Rows are `[key, window_end_ms, revision, value]`. They come in any order, and some come again. A
# store takes a row if its key holds nothing, or an *older* row: one of an earlier window, or a
# smaller revision of the same window. Return a dict:
#
# - `store`: for each key `[window_end_ms, revision, value]`
# - `taken`: for each row whether it was taken
#
# `upsert_rows([["a", 20_000, 0, 5], ["a", 10_000, 1, 13]])` is
# `{"store": {"a": [20_000, 0, 5]}, "taken": [True, False]}`.


# %% tags=["exercise"]
def upsert_rows(rows: list[list]) -> dict:
    """Return what a guarded store holds, and which rows it has taken."""
    # BEGIN SOLUTION
    store, taken = {}, []
    for key, *row in rows:
        is_newer = key not in store or row[:2] > store[key][:2]
        if is_newer:
            store[key] = row
        taken.append(is_newer)
    return {"store": store, "taken": taken}
    # END SOLUTION


# %% [markdown]
# ## 3. Predict: three readers
#
# A job writes row n in second n: to a store, under its number n, and to a topic, in a transaction.
# After rows 5 and 10 it takes a checkpoint and commits, in no time. <!-- no claim: ours --> After
# row 8 it is killed, and is back at once: in second 9 it writes row 6 again, then 7, and so on. In
# second 15 you look. Write six numbers:
#
# - in which second a reader of uncommitted records, a reader of committed records, and a reader of
#   the store see row 7 for the first time
# - how many records the first two have got, and how many rows the store holds, in second 15


# %% tags=["exercise"]
def predict_readers() -> list[int]:
    """Return three seconds and three numbers of rows."""
    # BEGIN SOLUTION
    return [7, 13, 7, 15, 10, 12]
    # END SOLUTION


# %% [markdown]
# ## 4. How long a row serves
#
# A store holds one row of a key, and forgets it `ttl_ms` after it was written: at exactly that time
# it is gone. Writes `[now_ms, window_end_ms, value]` come in the order of `now_ms`, the store's
# clock. A write is taken if nothing is there, or if its window end is greater; else it is refused,
# and nothing changes.
#
# Return `[from_ms, until_ms, value]` for each row that was taken: from its write until it is gone
# or replaced.
#
# `served_spans([[0, 10_000, 7], [3_000, 20_000, 8]], ttl_ms=5_000)` is
# `[[0, 3_000, 7], [3_000, 8_000, 8]]`.


# %% tags=["exercise"]
def served_spans(writes: list[list[int]], ttl_ms: int) -> list[list[int]]:
    """Return from when until when each row is served, in ms of the store's clock."""
    # BEGIN SOLUTION
    served, held_end_ms = [], None
    for now_ms, end_ms, value in writes:
        is_there = served != [] and now_ms < served[-1][1]
        if is_there and end_ms <= held_end_ms:
            continue
        if is_there:
            served[-1][1] = now_ms
        served.append([now_ms, now_ms + ttl_ms, value])
        held_end_ms = end_ms
    return served
    # END SOLUTION


# %% [markdown]
# ## 5. Bug hunt: lost, but only in a crash
#
# A processor hands each batch of rows to an outbox, which keeps them in memory; `flush` delivers
# them, and `commit` says that the next process begins after this batch. It is killed after
# `killed_after` steps in all, and a new one goes on. Once a month a row is missing. Run it.


# %%
def lost_in_production(batches: list[list[str]], killed_after: int) -> list[str]:
    arrived, begin, done, outbox = [], 0, 0, []
    for _ in LIVES:
        for rows in batches[begin:]:
            for what in ("send", "commit", "flush"):
                outbox = rows if what == "send" else outbox
                begin += what == "commit"
                arrived += outbox if what == "flush" else []
                done += 1
                if done == killed_after:
                    break
            if done == killed_after:
                break
    return arrived


print(lost_in_production([["a", "b"], ["c"]], killed_after=2))

# %% [markdown]
# Write the repaired processor: still three steps a batch, and a kill may follow any of them. Return
# the rows in the order in which they are delivered, by both processes. Some will come twice.
#
# `deliveries([["a", "b"], ["c"]], killed_after=2)` is `["a", "b", "a", "b", "c"]`.


# %% tags=["exercise"]
def deliveries(batches: list[list[str]], killed_after: int) -> list[str]:
    """Return the delivered rows; the first process is killed after so many steps."""
    # BEGIN SOLUTION
    delivered, place, steps = [], 0, 0
    for _process in LIVES:
        for batch in batches[place:]:
            for step in ("send", "flush", "commit"):
                delivered += batch if step == "flush" else []
                place += step == "commit"
                steps += 1
                if steps == killed_after:
                    break
            if steps == killed_after:
                break
    return delivered
    # END SOLUTION


# %% [markdown]
# ## 6. Write the tests
#
# Somebody has written six sinks. One is right: for each key it ends with the value of the newest
# row, by window end and then revision. The others
#
# - add up
# - take whatever comes
# - ask the window end only
# - ask the revision only
# - have one guard for all keys
#
# A test is `[rows, expected]`: rows as in exercise 2, and the values that the store should hold, as
# in `[[["a", 10, 0, 3]], {"a": 3}]`. Return a list of tests that the right sink passes, and that
# each wrong one fails at least once.


# %% tags=["exercise"]
def my_deliveries() -> list[list]:
    """Return tests [rows, expected] that tell the right sink from the wrong ones."""
    # BEGIN SOLUTION
    return [
        [[["a", 10, 0, 3], ["a", 10, 1, 4], ["a", 10, 0, 3]], {"a": 4}],
        [[["a", 10, 1, 4], ["a", 20, 0, 5]], {"a": 5}],
        [[["a", 20, 0, 5], ["b", 10, 0, 7]], {"a": 5, "b": 7}],
    ]
    # END SOLUTION


# %% [markdown]
# ## 7. Three readers, and a real broker
#
# Several jobs write to one topic, each in transactions of its own, and to a store that knows
# nothing of transactions. Steps are
#
# - `["write", name, key, value]`: a record in the log of the topic, and the value under the key in
#   the store; the first write after an end opens a transaction of that name
# - `["commit", name]` or `["abort", name]`: the open transaction of that name ends
#
# Return what three readers have after the last step: `uncommitted`, every record; `committed`, the
# records that were committed, in the order of the log, up to the first record whose transaction is
# still open; `store`, what each key holds.


# %% tags=["exercise"]
def three_readers(steps: list[list]) -> dict:
    """Return the values that both readers of the topic have got, and the store."""
    # BEGIN SOLUTION
    log, ends, current, store = [], {}, {}, {}
    for number, (what, name, *row) in enumerate(steps):
        if row:
            log.append([current.setdefault(name, number), row[1]])
            store[row[0]] = row[1]
        else:
            ends[current.pop(name)] = what
    is_known = [transaction in ends for transaction, _ in log]
    stable = log[: [*is_known, False].index(False)]
    committed = [value for transaction, value in stable if ends[transaction] == "commit"]
    return {"uncommitted": [value for _, value in log], "committed": committed, "store": store}
    # END SOLUTION


# %% [markdown]
# And now for real: the button starts a Kafka and a Redis of its own, plays the steps below, shows
# both answers side by side, and stops them. <!-- no claim: ours --> It takes about half a minute.
# Predict the three lines, change the steps, and play them again.

# %%
from studykit.widgets.real_run import RealRun

steps = [
    ["write", "A", "x", 5],
    ["write", "B", "y", 9],
    ["commit", "B"],
    ["write", "C", "x", 7],
    ["abort", "C"],
]
RealRun(three_readers, steps)

# %% [markdown]
# ## Done?
#
# Say it in one sentence each. Which write is right however often it comes? What does a careful
# reader wait for, and what does it cost? Why is the flush before the commit? `study progress` shows
# what is left.
