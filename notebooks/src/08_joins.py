# %% [markdown]
# # Joins
#
# After this lesson you can join two streams that are never in step, say what the join has to keep
# and for how long, and look a value up so that a replay gives the same answer.
#
# <!-- teaches: 48 49 50 52 53 -->
#
# About 40 minutes. Needs lessons 01 to 06; nothing has to be started.
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
# 7. Asking somebody else
# 8. First this, then that

# %% tags=["setup"]
import math
from random import Random

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
for number, step in enumerate(run.steps, start=1):
    print(f"#{number:<2} {step.row.side:>5} {seconds(step.row.event_ms):>5}: {list(step.pairs)}")

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
# A question, folded with its answer
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
# A question, folded with its answer
ads = [JoinRow("left", second * 1_000) for second in range(0, 4_201, 10)]
before = [*ads[:61], JoinRow("right", 600_000)]
stalled = joined([*before, *ads[61:]], 0, 60_000)
Predict(
    "Seven ads are held when the clicks stall. How many are held an hour later?",
    [7, 67, 367],
    stalled.held[-1][0],
    "An ad every 10 s for an hour is 360 more, and none may be freed.",
)

# %% tags=["predict"]
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
# it is told once, without a partner. Such a join is called an **outer** one, here `outer="left"`.

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

# %% tags=["predict"]
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

# %% tags=["predict"]
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
# ## 7. Asking somebody else
#
# Sometimes the other side is no stream but a service: what is the risk of this card? A job that
# waits for each answer stands still most of the time, so the calls are **asynchronous**: many are
# under way at once, and answers come back in any order. But watermarks flow between the events.
# Six payments, 100 ms apart; the fourth answer takes 900 ms, and a watermark follows every third
# payment. What does the next operator see?


# %%
ASKED = [(1_000, 40), (2_000, 30), (3_000, 30), (4_000, 900), (5_000, 40), (6_000, 30)]


def seen(may_overtake):
    passed, newest, gate = [], 0, 0  # what goes on at which moment
    for number, (event_ms, takes_ms) in enumerate(ASKED, start=1):
        ready = max(number * 100 + takes_ms, newest if may_overtake == "nothing" else gate)
        passed.append((ready, event_ms, "payment"))
        newest = max(newest, ready)
        if number % 3 == 0:
            gate = 0 if may_overtake == "anything" else newest
            passed.append((max(number * 100, gate), event_ms - 1, "watermark"))
    return sorted(passed, key=lambda item: item[0])


# %% [markdown]
# **Predict**: in which of three ways does a payment come late, because a watermark has passed it?

# %% tags=["predict"]
for may_overtake in ("anything", "nothing", "no watermark"):
    passed = seen(may_overtake)
    watermark_ms, late = -1, []
    for _, event_ms, kind in passed:
        if kind == "watermark":
            watermark_ms = max(watermark_ms, event_ms)
        elif event_ms <= watermark_ms:
            late.append(event_ms)
    waits = [ready for ready, _, kind in passed if kind == "payment"]
    print(f"may overtake {may_overtake:>12}: late {late}, handed on at {waits} ms")

# %% [markdown]
# If an answer may overtake anything, a slow one finds its watermark gone: an event that was on time
# is late, because a *service* was slow. If it may overtake nothing, all wait for the slowest.
# Between two watermarks the order does not matter, so answers may overtake each other there, and
# never a watermark: that is right, and mostly quick.
#
# A call that never ends holds the watermark up for ever. So each has a **time-out**, and a decision
# for it: a row without the answer, or a dead letter. A **retry** may get another answer than the
# first call would have: in a replay that is a different result, unless the answer is kept.

# %% [markdown]
# ## 8. First this, then that
#
# Thieves try a card with a small amount, and then buy. "A payment below 2, then one above 500, of
# one card" is a **pattern**: a join of a stream with itself, in which the order counts. Here are
# twenty cards for thirty days.

# %%
random, paid = Random(11), []
for minute in range(30 * 24 * 60):
    amount = random.choice([1, 20, 20, 20, 20, 20, 20, 600])
    if amount == 20 or random.random() < 0.05:
        paid.append((minute, random.randrange(20), amount))

# %% [markdown]
# **Predict** which of the two finds more, and which of them holds more: the pattern as it is
# written above, or the same pattern *within an hour*?


# %% tags=["predict"]
def pattern(payments, within=math.inf):
    waiting, found, most = [], [], 0
    for minute, card, amount in payments:
        waiting = [begun for begun in waiting if begun[0] + within > minute]
        if amount > 500:
            found += [(begun[0], minute) for begun in waiting if begun[1] == card]
        waiting += [(minute, card)] * (amount < 2)
        most = max(most, len(waiting))
    return found, most


for within in (math.inf, 60):
    found, most = pattern(paid, within)
    span = max((end - begin for begin, end in found), default=0)
    print(
        f"within {within:>3} min: {len(found):>5} found, the longest {span:>6} min, held {most:>4}"
    )

# %% [markdown]
# Without a bound every small payment waits for a large one until the end of time, and a coffee on
# the 3rd together with a sofa on the 28th is an alarm. A pattern needs a **time bound**, for its
# meaning as for its state; and it is told when the watermark has passed its last event, since an
# older one may still come between. What begins and never ends is freed by the bound, as in
# lesson 07.

# %% [markdown]
# ## Break it
#
# - Drop the upper bound: make it a year. What is held after the ten rows of section 1, and what
#   after a year of them?
# - Make the band look back: `lower_ms=-5_000`. Which side is held for longer now, and why?
# - Exchange the first two rows. Which pairs change?

# %% tags=["predict"]
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
