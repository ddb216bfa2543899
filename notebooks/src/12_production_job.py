# %% [markdown]
# # The production job
#
# After this lesson you can read the job that this repository would put into production, say why it
# prints nothing, and prove that it agrees with another program row by row. <!-- no claim: ours -->
#
# About 35 minutes. Needs lesson 11 and 2 GB of free memory. Section 2 starts what it needs, and the
# last cell stops it. A cell that waits for Flink says for how long already. <!-- no claim: ours -->

# %% [markdown]
# Three laws:
#
# 1. **The verdict is a function of a partition's log**, and of nothing else.
# 2. **A window fires when no partition can have anything more for it**: the smallest watermark.
# 3. **What is late has a name and an address**: a dead letter for each.

# %% [markdown]
# The way:
#
# 1. The production job
# 2. A window that never fires
# 3. Row by row
# 4. What became of the late ones

# %% tags=["setup"]
from collections import Counter
from pathlib import Path

import pandas as pd

from studykit.services.packages import need_flink

need_flink()  # installs PyFlink where it is missing: 370 MB to download, once

from flink_jobs.features.row import encode_row
from studykit import Predict
from studykit.flink import production

# %% [markdown]
# ## 1. The production job
#
# [feature_job.py](../flink_jobs/feature_job.py) is the entry point,
# [job/graph.py](../flink_jobs/job/graph.py) puts the statements together, and the rules are in the
# folder `flink_jobs/sql`, one file a statement. You know the idea of each by now. This is the
# running maximum of lesson 11 (section 6), for each partition:

# %%
print(Path("../flink_jobs/sql/clocked.sql").resolve().read_text("utf-8"))

# %% [markdown]
# It is keyed state, so it is in the checkpoint, and a restart judges on as if nothing had happened.
# <!-- claim: flink-goes-on-from-its-checkpoint --> The key is the number of the partition. The
# `salt` beside it is the same for all records of a partition: it only sees to it that four
# partitions do not all meet on one worker.
#
# The usual way is to compare with `CURRENT_WATERMARK`. <!-- no claim: other --> That has no value
# when a job starts. <!-- claim: flink-current-watermark-is-null-at-first --> Late events then pass
# as on time, and the window drops them without a trace: a job that loses events only when it
# recovers.

# %% [markdown]
# And this is the window. We read `fraud.sql` in three bites, from the inside out. The first says
# which events come to it, and how they are cut:

# %%
comes, kept, finished = production.fraud_in_bites()
print(comes)

# %% [markdown]
# Only events with a window that is open, so `HOP` has nothing to drop. <!-- no claim: ours --> The
# second bite is what a window keeps of its events:

# %%
print(kept)

# %% [markdown]
# And the third is what becomes of it, once the window has fired: a function in Python, called once
# for a window and not for an event. <!-- no claim: ours -->

# %%
print(finished)

# %% [markdown]
# Look at what is *not* there: the speed between two payments, the number of merchants. A window's
# payments travel as text, and `finish_fraud` does the rest, with the same rules that our processor
# calls. It also leaves an event out of exactly the windows that the event came too late for: an
# event that is partly late counts in the others.

# %% [markdown]
# ## 2. A window that never fires
#
# Now it runs. The next cell starts a Kafka and a Redis in a folder of their own, on free ports.
# <!-- no claim: ours --> What you have started with `make up` is neither read nor written. It takes
# about ten seconds.

# %% tags=["needs-services", "slow"]
rig = production.JobRig()
print(rig.start())

# %% [markdown]
# Four hundred payments belong to four partitions. We send those of three partitions, start the job,
# and wait until it has read them all. (`--idle-seconds 0` switches off a safety net; more of that
# in a moment.) Flink plans the job before it reads anything: half a minute, on a busy machine more.
# <!-- no claim: ours -->

# %% tags=["needs-services", "slow"]
payments = production.payments(400)
sent = rig.send(payment for payment in payments if payment.partition != 3)
rig.start_job("--idle-seconds", "0")
print(f"the job has read {rig.wait_until_read()} of {sent} payments")

# %% tags=["widget"]
Predict(
    "The payments cover two hours, the windows last five minutes. How many rows are there?",
    [0, "about a quarter of them", "almost all"],
    len(rig.records("features-fraud")),
    "Partition 3 has said nothing, and the watermark is the minimum over all of them.",
)

# %% [markdown]
# None. The job is in good health: it has read everything, and it complains of nothing. But a window
# fires when *no* partition can have anything more for it. The watermark of the whole is the
# **minimum** over the inputs, <!-- claim: flink-minimum-over-inputs --> and of partition 3 nobody
# knows anything.
#
# You may wait as long as you like. **Events move the watermark; waiting does not.** So we send the
# payments of partition 3:

# %% tags=["needs-services", "slow", "predict"]
rig.send(payment for payment in payments if payment.partition == 3)
rows = rig.records("features-fraud", at_least=1)
print(len(rows), "rows after the first payments of partition 3")

# %% [markdown]
# In production a partition may be silent for good reasons. Then a timeout declares it **idle**, and
# the minimum leaves it out. <!-- claim: flink-idle-input-is-left-out --> That is wall time, the one
# place where a clock on the wall gets a say: too short, and a partition that is only slow is called
# idle, and its events are late when they come. In the job the timeout is 60 s.

# %% [markdown]
# ## 3. Row by row
#
# Kafka is the witness: the same records, read by both.
# <!-- claim: kafka-reading-removes-nothing --> Our processor takes them partition by
# partition. First a payment for every partition, a day later, moves every watermark past all that
# came before.

# %% tags=["needs-services", "slow"]
rig.send(production.a_day_later(payments))
rig.wait_until_read()
told, refused = production.by_processor(rig.records("transactions"))
rows = rig.records("features-fraud", at_least=len(told))

print(len(told), "rows by the processor,", len(rows), "rows by Flink")
assert sorted(row.value for row in rows) == sorted(map(encode_row, told))

# %% [markdown]
# Equal to the last digit of the last column. Side by side, the same three windows, and what the
# store answers when somebody asks for the newest one:

# %% tags=["needs-services", "slow"]
ours = {(row.key, row.window_end): row.features.amount_sum_cents for row in told}
flinks = {
    production.window_of(row): production.features_of(row)["amount_sum_cents"] for row in rows
}
newest = sorted(ours, key=lambda window: window[1])[-3:]

print(pd.DataFrame({"processor, cents": ours, "Flink, cents": flinks}).loc[newest])
card, end_ms = newest[-1]
held = rig.features(f"features:fraud:{card}")
print("\nRedis:", held["amount_sum_cents"], "cents, risk", held["risk_score"])

assert (held["window_end"], held["amount_sum_cents"]) == (end_ms, ours[card, end_ms])

# %% [markdown]
# One set of rules and two programs. They share how a payment is read and how a window is finished,
# and nothing in between; and there is no difference. This lets you change the fast one without
# fear.
#
# The rows appear about a second after the windows fire: with the next checkpoint, which commits the
# transaction that they are in. <!-- claim: flink-kafka-sink-commits-with-the-checkpoint -->
# <sup>[source: Flink, Kafka
# connector](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/connectors/datastream/kafka/)</sup>
# A careful reader does not see them before. <!-- claim: kafka-open-transaction-is-invisible -->

# %% [markdown]
# ## 4. What became of the late ones
#
# In lesson 11 (section 6) two late events vanished. Here each of them is a record in the
# topic `dead-letter`, the original bytes as its value, the reasons in its headers.

# %% tags=["needs-services", "slow"]
letters = rig.records("dead-letter", at_least=len(refused))
headers = [{name: value.decode() for name, value in letter.headers} for letter in letters]
table = pd.DataFrame(headers)
print(Counter(table.reason))
print(table.query("reason == 'partial_late'")[["late_by_ms", "missed_windows"]].head(3))

assert {letter.key for letter in letters} == {letter.key for letter in refused}

# %% [markdown]
# The same letters, record for record, as the processor wrote. Lateness that a window would
# have swallowed has a name, a number and an address now.
#
# That is all. The last cell stops everything, and removes what it has kept:

# %% tags=["needs-services", "slow"]
print(rig.stop())

# %% [markdown]
# ## Break it
#
# - Section 2: run it again with `"--idle-seconds", "5"` and without the payments of partition 3.
#   What comes out now? Then send them. Which reason is in their dead letters?

# %% [markdown]
# <details><summary>What you should find</summary>
#
# After five seconds without partition 3 the minimum leaves it out, and the windows of the others
# fire. <!-- claim: flink-idle-input-is-left-out --> Its payments come later, behind Flink's
# watermark; they are judged by that one, and most are dead letters with the reason `late`.
# <!-- no claim: ours --> With idleness the clock on the wall decides again, which breaks law 1.
# </details>

# %% [markdown]
# ## In Flink this is
#
# | the rule | where <!-- no claim: ours --> |
# |---|---|
# | judge, then advance | `clocked.sql`, `judged.sql` |
# | one verdict for each record | `routed.sql` |
# | windows | `fraud.sql`, `personalization.sql` |
# | dead letters | `dead_letters.sql` |

# %% [markdown]
# ## Recall
#
# <details><summary>Four partitions, three of them busy, and no window has ever fired. What is
# it?</summary>
#
# The fourth has sent nothing, so the minimum over the four stands still. Send an event there, or
# let a timeout call the partition idle, and know what that costs.
# </details>

# %% [markdown]
# <details><summary>Find the line that keeps law 1 when the job is started again.</summary>
#
# ``MAX(…) OVER (PARTITION BY salt, `partition` …)`` in `clocked.sql`: the largest event time of
# each partition is state, and comes back with the checkpoint.
# <!-- claim: flink-goes-on-from-its-checkpoint --> `CURRENT_WATERMARK` does not.
# <!-- claim: flink-current-watermark-is-null-at-first -->
# </details>
