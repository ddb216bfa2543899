# %% [markdown]
# # Sinks
#
# After this lesson you can write results so that a second time does no harm, say which reader sees
# a row when, and choose the time-outs that keep an exactly-once sink from losing rows.
#
# <!-- teaches: 7 58 59 -->
#
# About 35 minutes. Needs lessons 05 and 07. Section 4 starts a Kafka and a Redis of its own, which
# takes about half a minute and 700 MB, and section 5 stops both. <!-- no claim: ours -->
#
# %% [markdown]
# Three laws:
#
# 1. What is sent may come twice, and may be overtaken. A write has to be right all the same.
# 2. A reader of committed records sees a row at the commit. Every other reader sees it at the
#    write, also if it is taken back.
# 3. Outputs first, then the place in the input.

# %% [markdown]
# The way:
#
# 1. Lost, doubled, overtaken
# 2. Twice is once
# 3. Who sees what twice?
# 4. The same, for real
# 5. How long a row serves
# 6. Three time-outs
# 7. Flush, then commit

# %% tags=["setup"]
from random import Random

from studykit import (
    STORES,
    STORY,
    EngineSoFar,
    Predict,
    Stepper,
    sunk,
    three_readers,
    typed_before,
)
from studykit.checks import typed
from studykit.services.sinks import SinkRig

Engine = typed_before("10")["Engine"]

# %% [markdown]
# ## 1. Lost, doubled, overtaken
#
# Four rows are sent over a network that has a bad day: the *message* with r2 is lost, and of r3
# only the *answer*. The sender sees the same in both cases, namely nothing. It can send each row
# once, or send again until there is an answer, at once or after the others. **Predict** what
# arrives, for each of the three.

# %% tags=["predict"]
rows, lost = ["r1", "r2", "r3", "r4"], {"r2": "message", "r3": "answer"}
arrived = [row for row in rows if lost.get(row) != "message"]
unanswered = [row for row in rows if row in lost]
at_once = [again for row in rows for again in [row] * (1 + (lost.get(row) == "answer"))]
print("once:                   ", arrived)
print("until there is an answer:", at_once)
print("the unanswered at the end:", arrived + unanswered)

# %% [markdown]
# Once loses. Until there is an answer loses nothing, and doubles. And if the others go on
# meanwhile, what is sent again is **overtaken**: r2 comes last. That is law 1, and no sender can
# do better, because it cannot know which of the two was lost.
#
# A producer of Kafka can number its messages, so that the broker knows its repetitions.
# <!-- claim: kafka-idempotent-producer-writes-a-retry-once --><sup>[source: Kafka, producer
# settings](https://kafka.apache.org/documentation/#producerconfigs_enable.idempotence)</sup> That
# ends with the producer. A job that is killed and sends its rows again is a new one, and the broker
# takes them all. <!-- claim: kafka-idempotence-ends-with-the-producer -->

# %% [markdown]
# ## 2. Twice is once
#
# So the sink itself has to bear a second time. A row of your engine says of which key and window
# it is, and of which revision. A store has one place for each key, a tuple of window end, revision
# and total, and keeps the newest. **Type it**: this is your engine's sink.


# %% tags=["engine"]
def upsert(store, key, start_ms, end_ms, revision, total):
    """Law 1: a row counts only if its window end and revision are newer than what is held."""
    # BEGIN SOLUTION compare (end_ms, revision) with the held; write
    if (end_ms, revision) > store.get(key, ())[:2]:
        store[key] = (end_ms, revision, total)
    # END SOLUTION


# %% tags=["check"]
upsert = typed.checked("10", upsert)

# %% [markdown]
# Two other sinks are shorter still: one adds to what is there, one overwrites it. Now all rows of
# the story are delivered, three of them twice, and not in their order.


# %%
def add(store, key, start_ms, end_ms, revision, total):
    store[key] = (end_ms, revision, store.get(key, (0, 0, 0))[2] + total)


def overwrite(store, key, start_ms, end_ms, revision, total):
    store[key] = (end_ms, revision, total)


engine = Engine(bound_ms=4_000, size_ms=10_000, lateness_ms=3_000)
for event in STORY:
    engine.on_event(event.key, event.event_ms, event.value)
engine.end()
right = {}
for row in engine.rows:
    right[row[0]] = row[2:]

# %% tags=["widget"]
# A question, folded with its answer
delivered = Random(7).sample(engine.rows + engine.rows[:3], len(engine.rows) + 3)
stores = {sink.__name__: {} for sink in (add, overwrite, upsert)}
for row in delivered:
    for sink in (add, overwrite, upsert):
        sink(stores[sink.__name__], *row)
Predict(
    "Which sinks hold the newest total of both keys in the end?",
    ["none", "upsert", "overwrite and upsert"],
    " and ".join(name for name, store in stores.items() if store == right) or "none",
    "add counts a row as often as it comes; overwrite keeps what comes last, which may be old.",
)

# %% [markdown]
# Here is what each holds of its two keys: window end, revision, total.

# %% tags=["predict"]
print("delivered:", [row[:1] + row[2:] for row in delivered])
for name, store in stores.items():
    print(f"{name:>9}:", dict(sorted(store.items())))

# %% [markdown]
# `add` is `HINCRBY` in Redis, which adds each time. <!-- claim: redis-hincrby-adds-each-time -->
# `overwrite` is `HSET`, and repeating that alone does no harm.
# <!-- claim: redis-hset-overwrites --> But an older row that comes last wins. Only the guarded
# write is right for *every* order, which is why it can be tested: shuffle and repeat, and see the
# same store. A row with the same identity changes nothing, and a correction of the same window is
# newer by its revision. With `upsert` your engine is whole:

# %%
EngineSoFar("10")

# %% [markdown]
# ## 3. Who sees what twice?
#
# A job writes the running total of a card after each payment: to a topic, where all rows from one
# checkpoint to the next are one **transaction**, and to a guarded store. <!-- no claim: ours -->
# After a checkpoint the transaction is committed. <!-- no claim: ours --> Three readers look on:
# one of uncommitted records, one of committed ones, and one of the store. Four payments, no
# trouble:

# %% tags=["widget"]
calm = sunk([5, 9, 3, 4])
Stepper(calm, three_readers, step=2, stills=[2, 8])

# %% [markdown]
# The reader of committed records, the *careful* one, waits for every commit: results come at the
# pace of checkpoints. <!-- claim: kafka-open-transaction-is-invisible --> The other one, the
# *careless*, is what a consumer is unless it is told otherwise.
# <!-- claim: kafka-read-uncommitted-is-the-default -->
#
# Now there are six payments: 5, 9, 3, 4, 7 and 8. The job is killed after the fourth, before its
# checkpoint. <!-- no claim: ours --> It goes on from the second, and the new job happens to read
# the payment of 4 before that of 3, because they are in two partitions.

# %% tags=["widget"]
# A question, folded with its answer
payments, again = [5, 9, 3, 4, 7, 8], [5, 9, 4, 3, 7, 8]
killed = sunk(payments, again, killed_after=4)
seen_by = {
    "uncommitted": 17 in [result.total for result in killed.steps[-1].uncommitted],
    "committed": 17 in [result.total for result in killed.steps[-1].committed],
    "store": any(step.held and step.held.total == 17 for step in killed.steps),
}
Predict(
    "The first job writes 5, 14, 17, 21, the second 18, 21, 28, 36. Who has ever seen 17?",
    ["uncommitted", "uncommitted and store", "uncommitted and committed and store"],
    " and ".join(who for who, seen in seen_by.items() if seen),
    "The transaction with 17 was taken back, and only the careful reader had waited for it.",
    reveal=Stepper(killed, three_readers, step=8, stills=[8, 16]),
)

# %% [markdown]
# The next question is about the store, just after the new job has written its first total.

# %% tags=["widget"]
# A question, folded with its answer
first_again = next(n for n, step in enumerate(killed.steps) if step.kind == "restart") + 1
Predict(
    "The job is back at 14, and writes 18, revision 3. What does the guarded store hold then?",
    [14, 18, 21],
    killed.steps[first_again].held.total,
    "It holds revision 4 of the first life and refuses revision 3: the store is ahead of the job.",
    reveal=Stepper(killed, three_readers, step=9, stills=[9]),
)

# %% [markdown]
# So the three disagree, each by a rule. The careless reader has 21 twice, and a 17 that was taken
# back. A reader of the store has seen 17 as well, and nothing twice. The careful one gets every
# revision once, and late.
#
# And with `HINCRBY`, which needs no revision? **Predict** the store at the end. The six payments
# are 36.

# %% tags=["predict"]
for name, store in STORES.items():
    run = sunk(payments, again, killed_after=4, store=store)
    held = [step.held.total for step in run.steps if step.kind == "write"]
    print(f"{name:>11}: {held}")

# %% [markdown]
# Seven too many: 3 and 4 were added in both lives. `overwriting` is right in the end, but for a
# moment it goes *back* from 21 to 18. If the job is away for an hour there, it is wrong for an
# hour.
#
# People then reach for `MULTI`, as if it were a transaction in this sense. It makes several writes
# visible at once. It does not wait for anybody's checkpoint, and takes nothing back.
# <!-- claim: redis-multi-takes-nothing-back -->

# %% [markdown]
# ## 4. The same, for real
#
# This cell starts a Kafka and a Redis on free ports, in a folder of their own; whatever else is
# running is not touched. <!-- no claim: ours --> It takes up to half a minute.

# %% tags=["needs-services", "slow"]
rig = SinkRig()
print(rig.start())

# %% [markdown]
# The guard is five lines of Lua, which the store runs without letting any other command in between.
# <!-- claim: redis-scripts-are-atomic -->
# <sup>[source: Redis, scripting with
# Lua](https://redis.io/docs/latest/develop/programmability/eval-intro/)</sup>

# %% tags=["needs-services", "slow"]
store = rig.client()
guarded = store.register_script("""
    local held = tonumber(redis.call('HGET', KEYS[1], 'revision') or '0')
    if tonumber(ARGV[1]) <= held then return 'refused' end
    redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'total', ARGV[2])
    return 'taken'
""")


def write(producer, revision, total):
    producer.produce("totals", str(total))
    print(f"{total} is {guarded(['card 7'], [revision, total])}")


# %% [markdown]
# The first life. The job commits 5 and 14, writes 17 and 21, and is gone without a word.


# %% tags=["needs-services", "slow"]
def readers():
    for level in ("read_uncommitted", "read_committed"):
        print(f"{level:>16}: {' '.join(rig.read(level))}")
    print(f"{'store':>16}: {store.hget('card 7', 'total')}")


job = rig.producer("job")
job.begin_transaction()
write(job, 1, 5), write(job, 2, 14)
job.commit_transaction()
job.begin_transaction()
write(job, 3, 17), write(job, 4, 21)
job.flush()
del job  # killed: no commit, no abort
readers()

# %% [markdown]
# The second life. A producer with the same *transactional id* aborts what the first has left open,
# before it writes anything. <!-- claim: kafka-new-producer-aborts-the-open-transaction -->
# **Predict** all three lines.

# %% tags=["needs-services", "slow", "predict"]
job = rig.producer("job")
job.begin_transaction()
write(job, 3, 18), write(job, 4, 21)
job.commit_transaction()
job.begin_transaction()
write(job, 5, 28), write(job, 6, 36)
job.commit_transaction()
readers()

last = killed.steps[-1]
assert rig.read("read_uncommitted") == [str(result.total) for result in last.uncommitted]
assert rig.read("read_committed") == [str(result.total) for result in last.committed]

# %% [markdown]
# What the figure showed is what the broker does. <!-- no claim: ours --> The aborted 17 and 21 stay
# in the log, and a careless reader gets them again each time it starts at the beginning.
# <!-- claim: kafka-aborted-records-stay-in-the-log -->

# %% [markdown]
# ## 5. How long a row serves
#
# A window without events writes nothing, so nobody overwrites the last row of a card that has
# fallen silent. A row that must not serve for ever needs a time to live.
# <!-- claim: redis-keys-expire --> **Predict** how long the row still lives, in seconds, after each
# of the two writes.

# %% tags=["needs-services", "slow", "predict"]
store.expire("card 7", 100)
store.hset("card 7", mapping={"revision": 7, "total": 40})
print("written again:          ", store.ttl("card 7"))
store.expire("card 7", 300)
print("written, and set anew:  ", store.ttl("card 7"))
print(rig.stop())

# %% [markdown]
# A write does not prolong a life, <!-- claim: redis-hset-keeps-the-ttl --> so a card that pays
# every minute would lose its features after the *first* row's time. The guarded write of this
# repository sets the time anew for each row that it takes, and for no row that it refuses: an old
# row that comes again must not keep a dead card alive.

# %% [markdown]
# ## 6. Three time-outs
#
# There is one more moment for a crash: after the checkpoint, and before the commit.
# <!-- no claim: ours --> The state says that 17 and 21 are done. The transaction waits, and the job
# that comes back has to commit it, for nobody will write these rows again. A broker does not wait
# for ever: after the transaction's **time-out** it aborts it.
# <!-- claim: kafka-timed-out-transaction-is-aborted --><sup>[source: Kafka, producer
# settings](https://kafka.apache.org/documentation/#producerconfigs_transaction.timeout.ms)</sup>
#
# The time-out is 10 s, and the job is away for 20 s.

# %% tags=["widget"]
# A question, folded with its answer
gone = sunk(payments, killed_after=4, before="commit", away_s=20, timeout_s=10)
Predict(
    "How many of the six totals does a reader of committed records never get?",
    [0, 2, 4],
    len(gone.lost),
    "The job goes on after 21, so nobody writes the two again, and their transaction is gone.",
    reveal=Stepper(gone, three_readers, step=10, stills=[10, 14]),
)

# %% [markdown]
# No error, no late event: two rows that the store has, and the topic has not. If the crash comes
# *before* the checkpoint nothing is lost, since all is written again. <!-- no claim: ours --> So
# this happens once in a thousand restarts, after a long night.

# %% [markdown]
# Three settings have to fit:
#
# > interval + longest absence < transaction time-out <= maximum
#
# The interval is that of checkpoints, and the maximum is the broker's. <!-- no claim: name -->
#
# | who | asks for, or grants |
# |---|---|
# | a producer, by default | 1 min <!-- claim: kafka-transactions-end-after-1-minute --> |
# | Flink's sink, by default | 1 h <!-- claim: flink-kafka-sink-asks-for-an-hour --> |
# | a broker, by default at most | 15 min <!-- claim: kafka-transactions-at-most-15-minutes --> |
#
# A producer that asks for more than the maximum is refused when it starts.
# <!-- claim: kafka-refuses-longer-transactions-than-its-cap -->

# %% [markdown]
# A long time-out has a price, too. As long as a transaction is open, a reader of committed records
# gets nothing that lies *behind* it, not even what others have committed.
# <!-- claim: kafka-open-transaction-holds-back-what-follows --> One forgotten producer holds up all
# careful readers of the partition, until its time-out. Lab 10 plays that on a real broker.
# <!-- no claim: ours -->

# %% [markdown]
# ## 7. Flush, then commit
#
# The development processor uses no transactions. It hands its rows to an **outbox**, a producer
# that sends in the background; then it commits its place in the input. What is in the outbox is in
# memory. Two rows go through it, the process is killed after a step, and a new one begins at the
# commit:


# %%
def killed_at(order, killed_after):
    """Return what is delivered of r1 and r2."""
    delivered, place, done = [], 0, 0
    while place < 2 and done != killed_after:
        memory = [f"r{place + 1}"]  # send
        for step in order:
            if step == "flush":
                delivered, memory = delivered + memory, []
            place += step == "commit"
            done += 1
            if done == killed_after:
                break
    return delivered + [f"r{number}" for number in (1, 2) if number > place]


# %% [markdown]
# **Predict**: killed after each step in turn, which rows are lost, and which doubled? What if the
# commit comes before the flush?

# %% tags=["predict"]
for order in (["send", "flush", "commit"], ["send", "commit", "flush"]):
    print(*order)
    for killed_after in range(1, 7):
        print(f"  killed after {killed_after}: {killed_at(order, killed_after)}")

# %% [markdown]
# In the first order r1 or r2 may come twice, and none is ever lost. In the second one a kill
# between commit and flush loses a row, and no test that stops the program politely will show it.
# Read `flush` in [outbox.py](../flink_jobs/connectors/outbox.py): it waits until the broker has
# answered for everything. <!-- no claim: ours --> Its caller commits only after that: law 3.
#
# Dead letters go the same way, and are doubled the same way. So that each counts once, its key says
# what it is about: topic, partition, offset and feature set.

# %%
letters = ["transactions/2/417/fraud", "transactions/2/431/fraud", "transactions/2/417/fraud"]
print(len(letters), "records,", len(set(letters)), "dead letters")

# %% [markdown]
# ## Break it
#
# - `HINCRBY` instead of the guarded write (section 3), and a job that is killed on *every* fourth
#   payment. Which way is the total wrong?
# - An older row comes last: take `engine.rows` and deliver the first row again at the end.
# - The time-out is 10 s and the job is away for 20 s, but killed *before* its checkpoint.
#   <!-- no claim: ours --> And with a time-out of 60 s?

# %% tags=["predict"]
late = {name: {} for name in ("overwrite", "upsert")}
for row in [*engine.rows, engine.rows[0]]:
    overwrite(late["overwrite"], *row)
    upsert(late["upsert"], *row)
print({name: store["a"] for name, store in late.items()})
for before, timeout_s in (("checkpoint", 10), ("commit", 60), ("commit", 10)):
    run = sunk(payments, killed_after=4, before=before, away_s=20, timeout_s=timeout_s)
    print(f"killed before the {before}, time-out {timeout_s} s: lost {run.lost}")

# %% [markdown]
# <details><summary>Answers</summary>
#
# The total only grows, with every kill: each life adds what the last one had added since the
# checkpoint. <!-- no claim: ours --> With an older row last, `overwrite` holds the total of [0,10)
# although that of [10,20) has been told; `upsert` refuses it. A kill before the checkpoint loses
# nothing, whatever the time-out, because the rows are written again. <!-- no claim: ours --> With
# 60 s nothing is lost either: the job is back in time, and commits what it had prepared.
# </details>

# %% [markdown]
# ## In Flink this is
#
# Two settings of a table, in
# [sink_features_kafka.sql](../flink_jobs/sql/sink_features_kafka.sql): <!-- no claim: name -->
#
# ```sql
# 'properties.transaction.timeout.ms' = '${transaction_timeout_ms}',
# 'sink.delivery-guarantee' = 'exactly-once',
# ```
#
# Without the second line the sink doubles rows after a crash.
# <!-- claim: flink-kafka-sink-is-at-least-once-by-default --> With it, rows are committed when a
# checkpoint is complete. <!-- claim: flink-kafka-sink-commits-with-the-checkpoint -->
# <sup>[source: Flink, Kafka
# connector](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/connectors/datastream/kafka/)</sup>
# The job asks the broker for its maximum before it starts: read `check_broker` in
# [kafka.py](../flink_jobs/job/edges/kafka.py). <!-- no claim: ours -->

# %% [markdown]
# For the store there is no such setting. Read `UPSERT` in
# [redis.py](../flink_jobs/connectors/redis.py): the same guard, for many keys, with a time to live
# and an answer for each row. The job's Python function writes a batch before it returns, and holds
# back nothing for a checkpoint. <!-- no claim: ours --> So the store is up to one checkpoint ahead
# of the topic. <!-- no claim: ours -->

# %% [markdown]
# ## Recall
#
# <details><summary>Find the line of your engine that keeps law 1, and the smallest delivery on
# which it is wrong without the revision.</summary>
#
# The comparison in `upsert`. Two rows of one window, revision 0 and then revision 1: by the window
# end alone the correction is no news, and is refused.
# </details>

# %% [markdown]
# <details><summary>A dashboard on a topic shows more rows than the store has keys and windows, and
# each time after a restart. What do you ask first?</summary>
#
# For the reader's `isolation.level`. It reads uncommitted records, and keeps what was taken back.
# </details>

# %% [markdown]
# <details><summary>A careful reader has been silent for ten minutes, although the job commits every
# 30 s. What is it?</summary>
#
# An open transaction of somebody else in the same partition. Everything behind it waits.
# </details>

# %% [markdown]
# <details><summary>After a weekend the topic lacks rows that the store has. Which three numbers do
# you write down?</summary>
#
# How long the job was away, the time-out of its transactions, and the broker's maximum.
# <!-- no claim: other -->
# </details>
