# %% [markdown]
# # Features
#
# After this lesson you can say why a model does not get at night what it was trained on by day,
# split the difference by its causes, and define features that mean one thing everywhere.
#
# <!-- teaches: 84 85 86 87 88 89 90 -->
#
# About 50 minutes. Needs lessons 01 to 07. One cell starts a small store of its own, for a second;
# one asks Feast, if you have it, for ten.

# %% [markdown]
# Three laws:
#
# 1. A feature is a function of an entity, a moment, and what could be *known* at that moment.
# 2. What separates the served value from the recomputed one has causes, and their parts add up to
#    the whole.
# 3. A training row meets the value that could be read at the moment of its label, and no later one.

# %% [markdown]
# The way:
#
# 1. One card, two values
# 2. The skew meter
# 3. As of this payment
# 4. What does not add up
# 5. Is this amount strange?
# 6. Clicks that never came
# 7. The training row
# 8. Feast, beside it
# 9. A contract for the store
# 10. One burst, one alert
# 11. What the wait costs

# %% tags=["setup"]
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pstdev

from flink_jobs.config import Settings
from flink_jobs.connectors.redis import FeatureStore, read_features
from flink_jobs.features.row import FeatureRow
from flink_jobs.features.transactions import fraud_features
from flink_jobs.features.travel import Stop, journey_of
from studykit import CARD_STORY, Predict, Stepper, meter, serve, served_recomputed
from studykit.services.own_store import own_store

# %% [markdown]
# ## 1. One card, two values
#
# A model decides whether a payment goes through. It asks the store: how many payments has this card
# made in five minutes? That is the **served** value. Months later the model is trained anew. Then
# the same question is asked of the whole log, for the same card and the same moment. That is the
# **recomputed** value.
#
# **Did the model see what it was trained on?** Card c7 pays six times. #6 is from a cellar: it
# happens at 172 s and arrives at 282 s. Everything is as in production: windows of five minutes
# every minute, a bound of 30 s. An allowed lateness of 60 s lets windows be corrected.

# %%
run = serve(CARD_STORY, "c7")
for number, payment in enumerate(run.payments, start=1):
    happens, arrives = payment.event_ms // 1_000, payment.arrives_ms // 1_000
    print(f"#{number} happens at {happens} s and arrives at {arrives} s")

# %% [markdown]
# At the moment T we recompute the newest window that is over at T. Here are the first three
# minutes. The reader at 180 s gets two payments; five had happened.

# %% tags=["widget"]
# A picture to step through
Stepper(run, served_recomputed, step=8, stills=[8])

# %% [markdown]
# The rest of the story goes to 900 s. After 225 s card c7 pays no more. Look at 600 s: in its last
# five minutes there was no payment at all.

# %% tags=["widget"]
Predict(
    "At 600 s, what does the store serve for the payments of five minutes?",
    [0, 1, 6, "nothing"],
    run.at(600_000).served,
    "An empty window emits no row (lesson 03), so the last row stays until its time is over.",
    reveal=Stepper(run, served_recomputed, step=len(run.readings), stills=[len(run.readings)]),
)

# %% [markdown]
# The two curves are never far apart, and most of the time not equal. No error, no late counter that
# moves at 600 s, nothing red on a dashboard. A model that was trained on the grey line is fed with
# the blue one: **training/serving skew**.

# %% [markdown]
# ## 2. The skew meter
#
# "They differ" helps nobody. Why do they? Take the causes away one after the other:
#
# - **TTL**: the newest row had expired, or an old one had outlived its window.
# - **Race**: the reader was there before the first row of the window. The row waits for the bound,
#   and is then written.
# - **Revision**: the row was corrected after the reader.
# - **Late**: the payment is in no row at all. It is a dead letter.
#
# Each step is a difference of two values, from the served one to the recomputed one. So the parts
# add up to the whole, whatever happens (law 2). Read `split` in
# [serving.py](../studykit/trace/operators/serving.py).

# %%
for second in (180, 240, 283, 480, 600):
    reading = run.at(second * 1_000)
    print(f"{second} s: {reading.served} to {reading.recomputed}", reading.skew)
    assert sum(reading.skew) == reading.gap

# %% [markdown]
# #6 has two fates. For the window that ends at 180 s it is late for good; the window that ends at
# 240 s is corrected. **One late payment misses some of the overlapping windows**, and so the same
# payment is missing as late at 180 s, and as a revision at 240 s and 283 s.
#
# A meter needs only what production has: it logs each served value with its time, recomputes it
# from the log at night, and counts. A reader comes every second, for fifteen minutes. **Predict**
# which of the four causes touches the most reads.

# %% tags=["predict"]
shown = meter(run.at(second * 1_000) for second in range(900))
print(shown.reads, "reads,", shown.differ, "differ")
print(shown.by_cause)

# %% [markdown]
# Nearly two thirds differ, and the famous cause, late events, is one of the two smallest. Now the
# number says what to do, and what it costs:
#
# | The meter says | Do | The price |
# |---|---|---|
# | TTL | let the reader compare `window_end` with its own time | a line of code |
# | race | a smaller bound | more late |
# | late | a larger bound, or more lateness | more race, or more revisions |
# | revision | train on what was served, not on the correction | a log of what was served |

# %% [markdown]
# **Predict**: with a bound of 120 s instead of 30 s, which counts fall and which rise?

# %% tags=["predict"]
for bound in (0, 30, 120):
    policy = Settings(max_out_of_orderness_seconds=bound, allowed_lateness_seconds=60)
    waiting = serve(CARD_STORY, "c7", policy)
    print(f"bound {bound:>3} s:", meter(waiting.at(at * 1_000) for at in range(900)).by_cause)

# %% [markdown]
# Waiting trades one cause for another. Late and revision fall to none, and race grows with every
# second of the bound. There is no bound without skew; there is only one whose skew you know.

# %% [markdown]
# ## 3. As of this payment
#
# How fast does a card pay? **Velocity** has two forms. A *window* has edges that the clock chose:
# [0, 60), [60, 120). An *interval* ends at the payment itself: the last 60 s, (t - 60, t]. Four
# payments come within 20 s, and the rule says "four in a minute".

# %%
burst = [50, 58, 62, 70]
in_windows = [sum(t // 60 == number for t in burst) for number in (0, 1)]
as_of = [sum(now - 60 < t <= now for t in burst) for now in burst]
print("tumbling windows:", in_windows, " as of each payment:", as_of)

# %% [markdown]
# The windows never see four: the edge at 60 s cuts the burst. Sliding windows do see it, one slide
# and one bound later. The interval sees it at the fourth payment, before that goes through. The
# start of the interval is outside and the payment itself is inside: exactly one minute before does
# not count. <!-- no claim: name -->
#
# For the interval the bound is no way out: the question is asked *now*. It counts what has
# arrived, and a late payment changes the answer for payments that were judged long ago. Asked again
# from the log, the answer is another one. It is skew again, with the causes of section 2.

# %% [markdown]
# The same function by card, by device or by merchant is three features. Only the key changes, and
# with it the partition: a count by device needs a second shuffle.

# %% [markdown]
# ## 4. What does not add up
#
# Sums of panes add up to the sum of a window. **Predict**: a card is at 2 merchants in one minute
# and at 2 in the next. At how many in both?

# %% tags=["predict"]
first, second = {"m1", "m2"}, {"m2", "m3"}
print("counts added:", len(first) + len(second), " sets united:", len(first | second))

# %% [markdown]
# A distinct count forgets who was counted. So the state is the *set*, or a sketch of it, and the
# count is taken at the end. Whoever adds counts is wrong only for cards that come back, that is,
# for the good ones.
#
# The next trap is order. **Seconds since the last payment** sounds like a subtraction. Here it is
# done as payments arrive:

# %%
happened = [payment.event_ms // 1_000 for payment in run.payments]
print("as they arrive:", [None, *(b - a for a, b in pairwise(happened))])
ordered = sorted(happened)
print("by event time: ", [None, *(b - a for a, b in pairwise(ordered))])

# %% [markdown]
# A negative gap: #6 happened before #5. A model takes -53 s for "very soon". The same happens to
# speed between two payments: the wrong neighbours are compared, and a card seems to fly. So keep
# the stops, sort them by event time and offset, and compare neighbours once, at the end, as
# [travel.py](../flink_jobs/features/travel.py) does.
#
# And the first payment has none before it. That is `None`, and not 0: zero seconds looks like a
# machine that tries numbers.

# %% [markdown]
# ## 5. Is this amount strange?
#
# A **z-score** says by how many standard deviations an amount is off the mean of the card. Five
# coffees, and then 500 euros:

# %%
amounts = [10, 12, 11, 9, 10, 500]
with_it = (amounts[-1] - fmean(amounts)) / pstdev(amounts)
before = amounts[:-1]
without = (amounts[-1] - fmean(before)) / pstdev(before)

# %% tags=["widget"]
Predict(
    "The rule fires above 3. The mean and deviation include the 500. What is the score?",
    ["below 3", "between 3 and 100", "above 100"],
    "below 3" if with_it < 3 else "above 100",
    f"It is {with_it:.2f}; without itself it is {without:.0f}. Of n values none is further from "
    "their mean than the root of n - 1 deviations.",
)

# %% [markdown]
# An amount that is in its own mean excuses itself. With six payments this rule can *never* fire,
# whatever the amount. So the current payment is left out, and with few payments before it the
# answer is `None`. With a deviation of 0 it is, too, unless a smallest deviation is agreed on.

# %% [markdown]
# Mean and deviation come from three numbers: count, sum and sum of squares. Here these are whole
# numbers. Added as floats, in another order, they differ in their last bit; and two executions
# that were to be equal are not. Welford's update and its merge are good against cancellation, but
# they are floats, too.

# %% tags=["predict"]
print("floats:", 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1)  # since Python 3.12 `sum` corrects itself
print("whole: ", 10 + 20 + 30, 30 + 20 + 10)

# %% [markdown]
# A **moving average** that forgets has a form that cannot be repaired. The usual one,
# `a * new + (1 - a) * old`, counts *arrivals*: a late value gets the weight of the newest. The
# other gives each value a weight by its age. Then a late value has the weight of its own time, and
# two parts can be added up.

# %%
by_arrival = {}
for order in ([100, 0, 0], [0, 0, 100]):  # the same three payments, the first one late
    average = Fraction(0)
    for amount in order:
        average = average / 2 + Fraction(amount, 2)
    by_arrival[str(order)] = float(average)
print(by_arrival)
print("by age:", sum(a * 0.5**age for a, age in [(100, 3), (0, 2), (0, 1)]))

# %% [markdown]
# ## 6. Clicks that never came
#
# A click rate is clicks by impressions. An ad is shown every ten seconds; every second one is
# clicked, 25 s later. **Predict** the rate after 100 s, live, and once for all.

# %% tags=["predict"]
shown_at = list(range(0, 100, 10))
clicked_at = {at: at + 25 for at in shown_at[::2]}
now = 100
clicks = [at for at, clicked in clicked_at.items() if clicked <= now]
over = [at for at in shown_at if at + 30 <= now]
print("all shown so far:", len(clicks) / len(shown_at))
print("only those over: ", sum(at in clicks for at in over) / len(over))
print("once for all:    ", len(clicked_at) / len(shown_at))

# %% [markdown]
# Live the rate is always too low: the newest ads are counted below the line, and their clicks have
# not come. That a click did *not* come is certain only when its band is over (lesson 08). So a
# click counts with its own ad, inside an attribution time, and an ad without a click is told at its
# end.
#
# Two more rules of visits. **Recency** is an age: it changes without any event, so the store keeps
# the time of the last event and the reader subtracts. And the last page of a visit has no dwell
# time: nobody knows when it was left.

# %% [markdown]
# ## 7. The training row
#
# A fraud is reported for a payment at 283 s. The training row asks: what was the feature *then*?
# The rows of the card are all in a table by now. Three joins are in use:
#
# - the **latest** row of the card
# - the newest row whose **window is over** at 283 s
# - the newest row that **could be read** at 283 s

# %%
at_ms = 283_000
latest = max(run.writes, key=lambda row: row.order)
over = max((row for row in run.writes if row.window_end <= at_ms), key=lambda row: row.order)
readable = max((row for row in run.writes if row.visible_ms <= at_ms), key=lambda row: row.order)

# %% tags=["widget"]
Predict(
    "What do the three joins say, in this order?",
    ["6, 6, 6", "1, 6, 5", "1, 5, 5", "5, 6, 6"],
    f"{latest.value}, {over.value}, {readable.value}",
    "The correction of the window that ends at 240 s could be read from 284 s on.",
)

# %% [markdown]
# The first one leaks the future openly. The second one is what a **point-in-time join** is often
# taken to be, and it leaks, too: the window was over at 240 s, but its *correction* did not exist
# at 283 s. Such a model is excellent in the test and ordinary in production.
#
# So a row needs two times: of what it speaks, and since when it could be read. The safest training
# set is simpler still: **log what was served**, beside the decision. Then there is nothing to
# recompute, and the meter of section 2 tells how good it was.

# %% [markdown]
# A feature that joins labels has the same trap with a longer fuse. The share of frauds of a
# merchant needs labels, and these come a week later. So it is taken over an interval that ends a
# week before the payment.

# %% [markdown]
# ## 8. Feast, beside it
#
# Many teams write neither the store nor the join, and use **Feast**, a feature store for Python.
# One half of it writes rows into Redis and serves them; <!-- no claim: name --> the other half
# joins labels with a table of rows. Here it gets the rows of card c7 that section 7 has seen. The
# window that ends at 240 s is there twice: 5 first, then 6, its correction. The event time of a row
# is the end of its window.
#
# Feast is no part of this course. `.venv/bin/study feast` in a terminal brings it, 450 MB, into an
# environment of its own. Without it you see what was recorded.

# %% tags=["slow"]
from studykit.services.feast.beside import beside_feast

told = [row for row in run.writes if row.window_end <= 240_000]
feast = beside_feast(told, at_ms)

# %% [markdown]
# The store of the course would refuse nothing here: the revision decides.

# %% tags=["widget"]
Predict(
    "What does Feast serve after both rows, and what does it join to a label at 283 s?",
    ["5 and 5", "5 and 6", "6 and 5", "6 and 6"],
    f"{feast.served} and {feast.joined}",
    "The log says 6 for the first, and at 283 s only 5 could be read.",
)

# %% [markdown]
# It fails twice. Online it keeps a row only against a *newer* one. The correction has the same
# event time, so it is refused like an old row. Offline it takes the newest row at or before the
# label, and of two with one event time the one that was written last, even after the label.
#
# Neither is a bug. Both rules are right for a fact that is told once, and event time is all that
# they know. A window that is corrected is told twice. So give each half the time that it needs:
# online the end of the window and a millisecond for each revision, offline the moment since when
# the row could be read.

# %% tags=["predict"]
print("served, a correction is 1 ms newer:       ", feast.served_by_revision)
print("joined by since when it could be read:    ", feast.joined_by_readable)

# %% [markdown]
# Now both are right, in the same tool. A tool keeps no law by itself; it keeps the order of the
# times that it is given.

# %% [markdown]
# ## 9. A contract for the store
#
# What is agreed on with the reader? The key; each field with its unit and its rule for "unknown";
# the event time it speaks of; the revision; the version of the definition; how fresh; and how long
# it lives. Here is a real store. It starts beside whatever runs, and is gone after the cell.

# %%
stop = Stop(1_760_000_460_000, 0, 52.5, 13.4)


def row_of(end_ms, revision, count):
    values = fraud_features(
        tx_count=count, amount_sum_cents=900, amount_max_cents=900, amount_squares=810_000,
        distinct_merchants=1, distinct_countries=1, journey=journey_of([stop]),
    )  # fmt: skip
    return FeatureRow("fraud", "c7", end_ms - 300_000, end_ms, revision, values)


# %% [markdown]
# A window, its correction, an older window last; then a second of silence, and a life of half a
# second. **Predict** the four answers.

# %% tags=["predict"]
with own_store() as client:
    store = FeatureStore(client, {"fraud": 500})
    for end_ms, revision, count in ((600_000, 0, 3), (600_000, 1, 4), (540_000, 0, 9)):
        store.write([row_of(end_ms, revision, count)])
        held = read_features(client, "features:fraud:c7")
        print(held["window_end"], held["revision"], held["tx_count"])
    time.sleep(1)
    print(read_features(client, "features:fraud:c7"))

# %% [markdown]
# The correction is taken, the older window is refused, and at the end there is *nothing*.
# <!-- claim: redis-keys-expire --> What does the model get then? `get("tx_count", 0)` says that the
# card is calm. It may be calm; the job may be down as well. Both are "unknown" to the store, and
# only a reader who compares `window_end` with its own time can say more.
#
# The life counts from the write, on the clock on the wall. After a replay an old window gets a full
# life again. So the TTL tidies up, and `window_end` decides.

# %% [markdown]
# ## 10. One burst, one alert
#
# A person should be called if a card makes at least five payments in five minutes. **Predict** how
# often the phone rings for the story of section 1, if every row that says so rings.

# %% tags=["predict"]
rings = [(row.window_end // 1_000, row.revision) for row in run.writes if row.value >= 5]
print("every row: ", rings)
alerted, calls = False, []
for row in run.writes:
    if row.value >= 5 and not alerted:
        calls.append(row.window_end // 1_000)
    alerted = row.value >= 5
print("once:      ", calls)

# %% [markdown]
# A burst is in every window that overlaps it, and each correction is a row once more. So an alert
# has an identity, card and episode, and a state: it is told once and armed again when the value has
# fallen. After a restart that state has to be there, or the phone rings again (lesson 09). It also
# says *why*: a score without reasons cannot be discussed with the person whose card was blocked.
# See [risk.py](../flink_jobs/features/risk.py).

# %% [markdown]
# ## 11. What the wait costs
#
# How much does a model lose if each value is older? The *Fraud Detection Handbook* publishes 1.75
# million payments, fifteen such features, and a random forest with an average precision of 0.658.
# [handbook_features.py](../flink_jobs/simulator/handbook_features.py) computes these features as a
# stream that waits would serve them: with a bound of b, nothing younger than b has been told.
#
# `benchmarks/handbook/run.sh` trains one forest for each bound, in an environment of its own, and
# its figures were kept. A forest is also a game of chance: without any wait, other seeds give other
# figures. A bound costs something only if it takes more than seeds alone differ by.

# %% tags=["widget"]
# A question, folded with its answer
from studykit import price_of_waiting, recorded_waits

waits = recorded_waits(Path("../benchmarks/handbook/recorded.jsonl"))
costly = next(wait for wait in waits.waits if waits.beyond(wait))
Predict(
    "Which is the first bound that costs more than chance?",
    ["30 s", "1 h", "6 h", "1 d"],
    price_of_waiting.named(costly),
    f"The seeds alone differ by {waits.highest - waits.lowest:.3f}, and an hour is within that.",
    reveal=Stepper(waits, price_of_waiting, step=len(waits.waits), stills=[len(waits.waits)]),
)

# %% [markdown]
# Show it as a table: what a second costs is told there, too. Up to three hours it is lost in the
# noise, and the curve even rises by chance. From six hours on it falls. A day costs 0.05 of the
# 0.657, three days 0.09.
#
# So what cards do over weeks is not hurt by 30 s. A rule on the last minute is. The price of
# waiting belongs to the feature, so measure it for yours, and with several seeds: whoever compares
# two forests once can prove anything.

# %% [markdown]
# ## Break it
#
# - The row takes 90 s to be written. Which cause grows?
# - The store keeps rows for 30 s. What does the meter say?
# - No lateness: where does the revision go?

# %% tags=["predict"]
plain = Settings()
for name, broken in {
    "slow write": serve(CARD_STORY, "c7", write_ms=90_000),
    "short life": serve(CARD_STORY, "c7", ttl_ms=30_000),
    "no lateness": serve(CARD_STORY, "c7", plain),
}.items():
    print(f"{name:>11}:", meter(broken.at(at * 1_000) for at in range(900)).by_cause)
short = serve(CARD_STORY, "c7", ttl_ms=30_000)
print("short life, at 320 s:", short.at(320_000).skew)

# %% [markdown]
# <details><summary>Answers</summary>
#
# A slow write is a race: the rows are right, and nobody has them in time. With a short life the
# last row no longer outlives its window, and instead the newest one is gone before the next is
# written: the TTL touches fewer reads here, and its part has changed its sign, 6 payments too few
# at 320 s. Without lateness the
# correction is never made: what was a revision is late.
# </details>

# %% [markdown]
# ## In Flink this is
#
# The interval of section 3 is an `OVER`. <!-- no claim: name --> It drops a row that comes behind
# the watermark.
# <!-- claim: flink-over-drops-late-rows --> And its range has both ends inside: a payment exactly
# 60 s before counts. <!-- claim: flink-over-range-has-its-lower-bound-inside -->
#
# ```sql
# COUNT(*) OVER (PARTITION BY card_id ORDER BY rt
#                RANGE BETWEEN INTERVAL '60' SECOND PRECEDING AND CURRENT ROW)
# ```
#
# The windows of section 1 are a `HOP`. <!-- no claim: name --> Read
# [fraud.sql](../flink_jobs/sql/fraud.sql): it collects the payments of a window, and one Python
# function, the same as in the development processor, finishes sets, sums and stops.

# %% [markdown]
# ## Recall
#
# <details><summary>Find the line of <code>split</code> that keeps law 2 although a row may have
# expired.</summary>
#
# The last one: each part begins where the one before it ends. `kept - value` is the TTL's, and
# `reached - kept` goes on from there.
# </details>

# %% [markdown]
# <details><summary>Construct the smallest stream on which the join by <code>window_end</code>
# leaks.</summary>
#
# Two payments in one window, the second one late but inside of the allowed lateness, and a label
# between the first row and its correction.
# </details>

# %% [markdown]
# <details><summary>A model is good offline and bad online. Which three numbers do you ask
# for?</summary>
#
# Of one entity at one moment: what was served, what was recomputed, and what the store held
# (`window_end` and `revision`). The rest is the meter's.
# </details>

# %% [markdown]
# <details><summary>Why may distinct counts of panes not be added, and sums may?</summary>
#
# A sum forgets nothing that the next sum needs. A distinct count forgets who it has seen.
# </details>
