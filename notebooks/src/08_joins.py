# %% [markdown]
# # Joins
#
# After this lesson you can join two streams that are never in step, say what the join has to keep
# and for how long, and look a value up so that a replay gives the same answer.
#
# <!-- teaches: 48 49 50 -->
#
# About 35 minutes. Needs lessons 01 to 06; nothing has to be started.
#
# Three laws:
#
# 1. Every pair in the band comes out exactly once, whichever of its rows is read first.
# 2. A row is held until the common watermark has reached its last partner, and no longer.
# 3. A row meets the version that held at the *row's* time, not at the time of reading.

# %% [markdown]
# The way:
#
# 1. Two lanes and a band
# 2. When may one side stop waiting?
# 3. An hour without clicks
# 4. Nobody came
# 5. A window is not a band
# 6. The rate of that day

# %% tags=["setup"]
from flink_jobs.engine.joins import IntervalJoin
from flink_jobs.engine.joins_versioned import VersionedLookup
from studykit import JoinRow, Predict, Stepper, join_lanes, joined, seconds

# %% [markdown]
# ## 1. Two lanes and a band
#
# An ad is shown; somebody clicks it, or nobody does. The two are events of two streams, and we want
# them together. But which click belongs to which ad? Of one user, we say: a click that comes up to
# 10 s after the ad. That is a **band**:
#
# > 0 <= time of the click - time of the ad <= 10 s
#
# Both bounds are inside. The ads are on the left, the clicks on the right. Step through ten rows,
# and look at the shaded band of each.

# %%
order = [
    ("left", 2), ("right", 5), ("left", 6), ("right", 14), ("left", 15),
    ("left", 21), ("right", 19), ("right", 27), ("left", 30), ("right", 33),
]  # fmt: skip
rows = [JoinRow(side, second * 1_000) for side, second in order]
run = joined(rows, lower_ms=0, upper_ms=10_000)
for step in run.steps:
    print(f"{step.row.side:>5} {seconds(step.row.event_ms):>5}: pairs {list(step.pairs)}")

# %% tags=["widget"]
Stepper(run, join_lanes, step=6, stills=[6, 10])

# %% [markdown]
# A full mark is a row that is **held**, an empty one has been freed. Whichever row of a pair comes
# first has to wait for the other. The ad is held until its click comes, and afterwards as well: it
# may be clicked a second time.

# %% [markdown]
# ## 2. When may one side stop waiting?
#
# That is the central question of this lesson. The ad at 2 s can get clicks up to 12 s. So the join
# may forget it once *nobody expects a click at or before 12 s any more*. Who says so? A watermark,
# and not the ads' own. With two inputs, it is the smaller of the two, as in lesson 06.
# <!-- claim: flink-minimum-over-inputs -->

# %% tags=["widget"]
few = [JoinRow("left", 2_000), JoinRow("right", 3_000), JoinRow("left", 60_000)]
shown = joined(few, lower_ms=0, upper_ms=10_000)
Predict(
    "Ads at 2 s and at 60 s are read, and one click at 3 s. How many ads are held?",
    [0, 1, 2],
    shown.held[-1][0],
    "The ads are at 60 s, but the clicks are at 3 s: one at 11 s may still come.",
    reveal=Stepper(shown, join_lanes, step=3, stills=[3]),
)

# %% [markdown]
# A left row at `l` is free when the watermark has reached `l + upper`, a right row at `r` when it
# has reached `r - lower`. Here `lower` is 0, so a click hardly waits: no later ad can be its own.
#
# The join is in [joins.py](../flink_jobs/engine/joins.py). Read `on_row` and `on_watermark`: two
# laws in twenty lines. A row that comes behind the watermark is refused and counted, because its
# partners may be gone, and half of its pairs would be worse than none.

# %% [markdown]
# ## 3. An hour without clicks
#
# An ad every ten seconds, and a click now and then, for ten minutes. The band is one minute. Then
# the clicks stall for an hour: a broken app, a night, a partition that nobody reads. The ads go on.

# %% tags=["widget"]
ads = [JoinRow("left", second * 1_000) for second in range(0, 4_201, 10)]
before = [*ads[:61], JoinRow("right", 600_000)]
stalled = joined([*before, *ads[61:]], 0, 60_000)
Predict(
    "Seven ads are held when the clicks stall. How many are held an hour later?",
    [7, 67, 367],
    stalled.held[-1][0],
    "An ad every 10 s for an hour is 360 more, and none may be freed.",
)

# %%
back = joined([*before, *ads[61:], JoinRow("right", 4_200_000)], 0, 60_000)
print("when the clicks stall:", stalled.held[61][0])
print("an hour later:        ", stalled.held[-1][0])
print("one click later:      ", back.held[-1][0])

# %% [markdown]
# No error, no slow operator, only state that grows until the slow side speaks. With a thousand ads
# a second it is 3.6 million rows. **In a join the slower stream is the clock of both, and the
# faster one pays.** One click later all is well again, which is why nobody finds it the next
# morning. The number to watch is the rows held for each side.
#
# Would idleness help? The ads would be freed, and the clicks that the app kept would find nobody:
# lesson 06, section 4.

# %% [markdown]
# ## 4. Nobody came
#
# A report wants the ads that were *not* clicked, too. When is that certain? Not when the ad is
# read, and not when the hour looks quiet: when the row **expires**, by law 2. Then, and only then,
# it is told once, without a partner.

# %%
join = IntervalJoin(lower_ms=0, upper_ms=10_000, outer="left")
join.on_row("left", "user 7", 2_000, "ad A")
join.on_row("left", "user 7", 6_000, "ad B")
join.on_row("right", "user 7", 14_000, "click")
for watermark_ms in (11_999, 12_000, 16_000):
    join.on_watermark(watermark_ms)
    print(f"W = {seconds(watermark_ms):>8}:", [(m.left, m.right) for m in join.take()])

# %% [markdown]
# Whoever tells "no click" at once has to take it back when the click comes, and a sink that only
# appends cannot. Waiting costs the length of the band, and nothing else.

# %% [markdown]
# ## 5. A window is not a band
#
# A join in tumbling windows is one line shorter, and its state is easy to see. **Predict**: with
# windows of 10 s, how many of our five pairs does it find?

# %%
pairs = [pair for step in run.steps for pair in step.pairs]
same_window = [pair for pair in pairs if pair[0] // 10_000 == pair[1] // 10_000]
print("in the band:  ", pairs)
print("in one window:", same_window)

# %% [markdown]
# One is missing: an ad at 6 s and its click at 14 s lie on two sides of an edge. Nothing warns, no
# counter moves. Larger windows cut fewer pairs and hold more; only a band cuts none.

# %% [markdown]
# ## 6. The rate of that day
#
# Now the other kind of join. A purchase in euros, and a table of rates that changes now and then.
# The simple way asks the table when the purchase is *processed*. Live that is right, nearly always.
#
# **Predict**: yesterday's log is read again today, with the rate of today in the table. What does
# the simple way say for a purchase of yesterday?

# %%
history = [(0, 110), (10_000, 115), (86_400_000, 140)]  # from when on, rate
lookup = VersionedLookup()
for since_ms, rate in history:
    lookup.on_version("EUR", since_ms, rate)
for purchase_ms in (9_999, 10_000, 50_000):
    lookup.on_row("EUR", purchase_ms, purchase_ms)
lookup.on_watermark(50_000)

for answer in lookup.take():
    print(f"purchase at {answer.event_ms:>6}: then {answer.version}, today {history[-1][1]}")

# %% [markdown]
# With the rate of today the features of the past change whenever somebody reads them again: a
# model is then trained on numbers that it will never see. So a version has a time from which it
# holds, and a purchase is answered by its **own** time (law 3). It has to wait until the watermark
# has reached it, since a version of that time may still be on its way. Of every key the version
# that holds now is kept for ever; older ones go as the watermark passes.
#
# Read [joins_versioned.py](../flink_jobs/engine/joins_versioned.py): `_version_at` is law 3.

# %% [markdown]
# ## Break it
#
# - Drop the upper bound: make it a year. What is held after the ten rows of section 1, and what
#   after a year of them?
# - Make the band look back: `lower_ms=-5_000`. Which side is held for longer now, and why?
# - Exchange the first two rows. Which pairs change?

# %%
for lower_ms, upper_ms in ((0, 10_000), (0, 31_536_000_000), (-5_000, 10_000)):
    kept = joined(rows, lower_ms, upper_ms).held[-1]
    print(f"band {lower_ms:>6} to {upper_ms:>14}: left {kept[0]}, right {kept[1]} held")

# %% [markdown]
# <details><summary>Answers</summary>
#
# Without an upper bound no ad is ever freed: all five are held, and with every ad of a year the
# state only grows. With a lower bound below 0, clicks wait as well, since an ad may come up to 5 s
# after its click. Exchanging rows changes no pair at all, as long as none falls behind the
# watermark: law 1.
# </details>

# %% [markdown]
# ## In Flink this is
#
# An interval join in SQL is a join whose condition bounds the time on both sides:
# <!-- claim: flink-sql-interval-join -->
#
# ```sql
# SELECT * FROM ads LEFT JOIN clicks
# ON ads.user = clicks.user AND clicks.rt BETWEEN ads.rt AND ads.rt + INTERVAL '10' SECOND
# ```
#
# Without such a bound it is a regular join, which keeps every row of both sides.
# <!-- claim: flink-regular-join-is-no-interval-join --> The lookup of section 6 is a temporal join:
# <!-- claim: flink-sql-temporal-join -->
#
# ```sql
# SELECT * FROM purchases AS p JOIN rates FOR SYSTEM_TIME AS OF p.rt AS r ON p.currency = r.currency
# ```

# %% [markdown]
# ## Recall
#
# <details><summary>Find the line of <code>IntervalJoin</code> that keeps law 2.</summary>
#
# The condition of the loop in `on_watermark`: rows go as soon as their expiry is at or before the
# watermark, and not before.
# </details>

# %% [markdown]
# <details><summary>Construct the smallest stream on which that loop is wrong if it reads
# <code>&lt;</code> instead of <code>&lt;=</code>.</summary>
#
# One ad at 0 and the watermark at exactly 10 s. The ad is held although its last click is not
# expected any more; without a later watermark it is held for ever.
# </details>

# %% [markdown]
# <details><summary>A join's state doubles every night and is small in the morning. Which side would
# you look at?</summary>
#
# At the one that is silent at night. The *other* one is what is held.
# </details>

# %% [markdown]
# <details><summary>A backfill of last month gives other features than were served. Name the first
# suspect.</summary>
#
# A lookup by processing time: a table, a cache or a service that was asked for the value of now.
# </details>
