# %% [markdown]
# # Operations
#
# After this lesson you can find the one operator that makes a whole job slow, say when a job that
# was away has caught up, and tell a load test that flatters from one that does not.
#
# <!-- teaches: 67 68 69 70 71 73 74 75 -->
#
# About 45 minutes. Needs lessons 05 to 07 and 09. Nothing is started by itself: the job of section
# 1 is a recording of a real one, and the rest are models that run in a second. One button starts a
# job on Flink for three minutes, if you press it. <!-- no claim: ours -->

# %% [markdown]
# Three laws:
#
# 1. What waits stands *before* what is slow. The first slow one is the last that is busy and does
#    not wait itself.
# 2. A backlog is worked off with what is left over: time = backlog / (capacity - arrivals).
# 3. A delay begins when the request was *due*, not when somebody got round to sending it.

# %% [markdown]
# The way:
#
# 1. Which is the first slow one?
# 2. More of them, or fewer
# 3. Two lags
# 4. A day away
# 5. The record that kills
# 6. A load test that flatters
# 7. What wakes you at night
# 8. A field more, a field less
# 9. What it keeps, and what it costs

# %% tags=["setup"]
import json
from pathlib import Path
from statistics import fmean
from zlib import crc32

from flink_jobs.config import Settings, SettingsError
from flink_jobs.events import EventDecoder, Malformed
from flink_jobs.monitoring.symptoms import Reading, Symptoms
from studykit import LiveJob, Predict, Stepper, job_view
from studykit.flink.recording import load

# %% [markdown]
# ## 1. Which is the first slow one?
#
# Five operators stand in a row. Between two of them is room for ten records. In each turn an
# operator handles as many records as it is able to, as long as there is room behind it. Where there
# is none, it is **held up**: that is *backpressure*.


# %%
def shares(able, turns=1_000, room=10):
    """Return for each operator the % of its time that it works, and that it is held up."""
    waiting, done, held_up = [0] * len(able), [0] * len(able), [0] * len(able)
    for _ in range(turns):
        for place in reversed(range(len(able))):
            ready = min(able[place], waiting[place]) if place else able[place]
            last = place == len(able) - 1
            moved = ready if last else min(ready, room - waiting[place + 1])
            if place:
                waiting[place] -= moved
            if not last:
                waiting[place + 1] += moved
            done[place] += moved
            held_up[place] += ready - moved
    return {n: [round(100 * d / (able[n] * turns)) for d in (done[n], held_up[n])] for n in able}


# %% [markdown]
# The source is able to read 8 records a turn, and the others 6, 2, 6 and 9. The third is the slow
# one.

# %% tags=["widget"]
# A question, folded with its answer
NAMES = ["source", "decode", "window", "score", "sink"]


def chain(*able):
    told = shares(dict(enumerate(able)))
    return {name: told[place] for place, name in enumerate(NAMES)}


waits = [name for name, (_, held_up) in chain(8, 6, 2, 6, 9).items() if held_up > 30]
Predict(
    "Which operators are held up for more than 30 % of the time?",
    ["window", "score, sink", "source, decode", "source, decode, window"],
    ", ".join(waits),
    "Those before it wait for room. Those behind it are idle, and the slow one itself just works.",
)

# %% [markdown]
# Each operator works, and is held up, for a share of its time. Now somebody makes a wrong one
# faster: first `decode`, which is held up, then `score`, which comes after. **Predict** what the
# sink gets in each case. In brackets are the two shares, in percent.

# %% tags=["predict"]
for what, able in {
    "as it is": (8, 6, 2, 6, 9),
    "decode twice as fast": (8, 12, 2, 6, 9),
    "score twice as fast": (8, 6, 2, 12, 9),
    "window twice as fast": (8, 6, 4, 6, 9),
}.items():
    told = chain(*able)
    print(f"{what:>21}: sink gets {told['sink'][0] * 9 / 100:.1f} a turn", told)

# %% [markdown]
# Two of three repairs change nothing, whatever they cost. It *hurts* where operators are held up.
# The cause is one operator further on: the last that works all the time, and is not held up
# (law 1).
#
# The same on a real job: a recording of Flink with a Python function in it that sleeps.
# <!-- no claim: ours --> Which operator is the first slow one?

# %% tags=["widget"]
# A question, folded with its answer
recording = load(Path("../studykit/flink/recordings/slow_python_function.json").resolve())
operators = [job_view.short_name(state.name) for state in recording.moments[23].operators]
slow = job_view.first_slow(recording.moments[23].operators)
Predict(
    "tx, Calc, WatermarkAssigner and three more are held up. Which one would you look at?",
    sorted(set(operators)),
    job_view.short_name(slow.name),
    "It is the last that is busy, and it waits for nobody. What comes after it is idle.",
    reveal=Stepper(recording, job_view, step=23, stills=[0, 23]),
)

# %% [markdown]
# Go back to the first moment of the recording: at once several operators are busy, and nobody is
# held up yet. Waiting runs *backwards* through the job, from the slow one to the source, and takes
# seconds for it. Whoever looks too early blames the wrong operator. <!-- no claim: ours -->

# %% [markdown]
# Now do it yourself, on the real engine: a source that sends 100 records a second, a function in
# Python, a sum for each card, and a sink. The knob is a sleep inside the function, in ms for a
# record. <!-- no claim: ours --> **Predict** before you turn it: from which sleep on is somebody
# held up, who is it, and what does the knob at 40 do to the sum behind it?

# %% tags=["widget"]
LiveJob(job_view)

# %% [markdown]
# <details><summary>What you should see</summary>
#
# At 100 records a second each has 10 ms. Below that the function works more and more, and nobody
# waits. Above it the function is at 100 %, and the operators *before* it wait, the source last.
# The sum behind it gets less, so it is idle: the slowest part of a job makes all the others look
# good.
# </details>

# %% [markdown]
# ## 2. More of them, or fewer
#
# The engine joins operators that follow each other directly into one **chain**, which one thread
# runs. <!-- claim: flink-chains-operators-into-tasks --><sup>[source: Flink,
# architecture](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/concepts/flink-architecture/)</sup>
# That saves the queues, and it hides the slow one: the chain has one share of time for all that is
# in it. Then separate the operators for an hour, and look again.
#
# A chain takes the time of its parts together:

# %%
for able in ((6, 2, 6), (6, 2), (2,)):
    print(able, "in one chain:", f"{1 / sum(1 / rate for rate in able):.2f} a turn")

# %% [markdown]
# And more copies, **subtasks**? <!-- no claim: name --> Each partition of a topic is read by one.
# <!-- no claim: name --> **Predict** how many copies have work, for four partitions.

# %% tags=["predict"]
for copies in (2, 3, 4, 6):
    partitions_of = [sum(p % copies == copy for p in range(4)) for copy in range(copies)]
    print(f"{copies} copies read {partitions_of} partitions; the busiest has {max(partitions_of)}")

# %% [markdown]
# Three are no faster than two, and of six two are idle. Each takes a slot with its memory all the
# same.
#
# After `key_by` it is the keys that decide. Lesson 07 placed a hot key; here half of the payments
# are one merchant's. **Predict** what the busiest of 2, 4 and 8 copies gets. Then the merchant is
# split over eight **salted** keys, whose sums a second step adds up.

# %% tags=["predict"]
payments = ["m1" if n % 2 else f"m{n}" for n in range(8_000)]
salted = [f"m1#{n // 2 % 8}" if key == "m1" else key for n, key in enumerate(payments)]
for copies in (2, 4, 8):
    busiest = []
    for keys in (payments, salted):
        load_of = [0] * copies
        for key in keys:
            load_of[crc32(key.encode()) % copies] += 1
        busiest.append(max(load_of))
    print(f"{copies} copies: the busiest gets {busiest[0]}, salted {busiest[1]}, fair is", end=" ")
    print(8_000 // copies)

# %% [markdown]
# The hot key stays in one place, however many copies there are. Salt helps, and costs a second
# step: what was a sum is now eight partial ones.
#
# **Memory.** A Python function runs in a process of its own beside Java.
# <!-- claim: flink-python-runs-beside-java-by-default --> Who sizes a container by the heap
# alone forgets it. **Predict** whether this one is large enough; the sizes are an example.

# %% tags=["predict"]
container_mb = 1_700
parts_mb = {"Java heap": 538, "network": 134, "managed: state": 376, "Java itself": 576}
print("without Python:", sum(parts_mb.values()), "of", container_mb)
python_mb = {f"Python worker {n}": 160 for n in (1, 2)}
print("with Python:   ", sum((parts_mb | python_mb).values()), "of", container_mb)

# %% [markdown]
# A container that is too small is ended from outside. No error is in Java's log, because Java was
# not asked. <!-- no claim: other --> If a worker vanishes without a word, add up the parts before
# you search the code. **Managed memory** is the part that the engine shares out itself, between
# state and Python. <!-- claim: flink-managed-memory-is-for-state-and-python --><sup>[source: Flink,
# memory of a
# TaskManager](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/deployment/memory/mem_setup_tm/)</sup>

# %% [markdown]
# ## 3. Two lags
#
# - **Record lag**: how many records wait to be read.
# - **Watermark lag**: how far the watermark is behind the clock.
#
# One alone tells little. Four cases, each after ten minutes, with 100 records a second and a bound
# of 30 s. In the last one the job reads two partitions, and one of them has fallen silent.


# %%
def lags(read_a_s, sent_a_s=100, silent=False, seconds=600):
    """Return the records that wait, and by how many seconds the watermark is behind."""
    waiting = max(0, (sent_a_s - read_a_s) * seconds)
    if silent or not sent_a_s:
        return waiting, seconds + 30
    return waiting, waiting // sent_a_s + 30


# %% tags=["predict"]
print("healthy:                ", lags(120))
print("too slow:               ", lags(60))
print("nobody sends:           ", lags(120, sent_a_s=0))
print("one partition is silent:", lags(120, silent=True))

# %% [markdown]
# | record lag | watermark lag | it is |
# |---|---|---|
# | small | about the bound | healthy |
# | grows | grows | the job is too slow, or away |
# | small | grows | nobody sends, or one partition is silent |
# | falls | falls | it catches up |
#
# A dashboard that shows only the record lag calls the third line healthy. And an **average** hides
# a partition:

# %%
behind_s = {"p0": 30, "p1": 31, "p2": 30, "p3": 1_500}
print(f"average: {fmean(behind_s.values())} s, the windows wait for {max(behind_s.values())} s")

# %% [markdown]
# Watermarks take the minimum (lesson 06), so watch the *worst* partition. The same holds for
# subtasks, and for the delays of section 6. <!-- no claim: ours -->
#
# Three more numbers belong on the first screen. **Dropped** must be 0. **Dead letters** are a share
# of what is read. And **checkpoints**: if none completes, the store is fresh and the topics get no
# row, so that half of your readers see nothing wrong. <!-- no claim: ours -->

# %% [markdown]
# ## 4. A day away
#
# The job is down for 24 hours, at 100 records a second. When it is back it reads 130 a second: 30 %
# more than it needs on a good day.

# %% tags=["widget"]
sent_a_s, able_a_s, away_h = 100, 130, 24
backlog = sent_a_s * 3_600 * away_h
Predict(
    "After how many hours has it caught up?",
    [7, 18, 24, 80],
    round(backlog / (able_a_s - sent_a_s) / 3_600),
    "New records go on coming. Only 30 of the 130 work off what waits: law 2.",
)

# %% [markdown]
# Both lags, hour by hour, once it is back. **Predict** the watermark lag after the first hour: has
# it read an hour of the log, or more?

# %% tags=["predict"]
for hour in (0, 1, 20, 40, 60, 80):
    waiting = max(0, backlog - (able_a_s - sent_a_s) * 3_600 * hour)
    print(f"hour {hour:>2}: {waiting:>9,} records wait, {waiting / sent_a_s / 3_600:4.1f} h behind")

# %% [markdown]
# In an hour it reads 78 minutes of the log, and 60 new ones come: it is 18 minutes nearer. Eighty
# hours for a day. All the time features are old, and nothing is broken. **Headroom** is therefore
# no luxury but a number to choose: how long may it take? **Predict** the hours for each rate.

# %% tags=["predict"]
for able in (110, 130, 200, 400):
    print(f"able to read {able} a second: {backlog / (able - sent_a_s) / 3_600:.0f} h")

# %% [markdown]
# While it catches up, the source is as fast as it can be, so that law 1 holds with full force: the
# first slow one decides. And a fast partition runs ahead of a slow one and keeps windows open
# (lesson 06). The log has to keep what nobody has read: here 24 h, and from then on less. Where a
# job reads less than arrives, the oldest unread record grows older, until the log deletes it.

# %% [markdown]
# ## 5. The record that kills
#
# One record makes the decoder raise. The job restarts from its last checkpoint, some
# records before, and meets the record again. <!-- no claim: ours --> What does a dashboard show
# meanwhile?


# %%
def restarts(poison, turns, per_turn=10, every=20):
    """Return for each turn how many records were read in all, and where the checkpoint is."""
    place, checkpoint, read, told = 0, 0, 0, []
    for _ in range(turns):
        for _ in range(per_turn):
            read += 1
            if place == poison:
                place = checkpoint
                break
            place += 1
            checkpoint = place // every * every
        told.append((read, checkpoint))
    return told


# %% [markdown]
# Let it run for forty turns.

# %% tags=["widget"]
told = restarts(poison=55, turns=40)
Predict(
    "Record 55 is poison. After 40 turns, which number looks perfectly healthy?",
    ["records read", "the place of the checkpoint", "the number of restarts"],
    "records read" if told[-1][0] > 200 and told[-1][1] == 40 else "none",
    "It reads the same few records again and again. The place to go on from stands still.",
)

# %% [markdown]
# The restart strategy of lesson 09 cures what passes by itself, and this does not. A record that
# cannot be read goes to the dead letters, once, with its reason, and the job goes on.

# %% tags=["predict"]
print("after 10, 20, 30, 40 turns (read, checkpoint):", told[9::10])

# %% [markdown]
# ## 6. A load test that flatters
#
# A server answers in 10 ms. At 5 s it stands still for 2 s, as in a long collection of garbage. Two
# testers send a request every 20 ms, for 10 s. The **closed** one waits for each answer before it
# sends the next. The **open** one sends when it is time, and counts from when the request was
# *due*.


# %%
def delays(open_loop, every_ms=20, work_ms=10, until_ms=10_000, stall=(5_000, 7_000)):
    """Return the delay of each answer, in ms, as the tester writes it down."""
    free_ms, due_ms, told = 0, 0, []
    while due_ms < until_ms:
        sent_ms = due_ms if open_loop else max(due_ms, free_ms)
        begin_ms = max(sent_ms, free_ms)
        if stall[0] <= begin_ms < stall[1]:
            begin_ms = stall[1]
        free_ms = begin_ms + work_ms
        told.append(free_ms - sent_ms)
        due_ms = (due_ms if open_loop else sent_ms) + every_ms
    return sorted(told)


# %% tags=["widget"]
# A question, folded with its answer
found = {name: delays(name == "open") for name in ("closed", "open")}
at_99 = {name: told[len(told) * 99 // 100] for name, told in found.items()}
Predict(
    "99 % of the answers come within how many ms, by the closed test and by the open one?",
    ["10 and 10", "10 and 1970", "1970 and 1970", "2010 and 2010"],
    f"{at_99['closed']} and {at_99['open']}",
    "While the server stands still, the closed tester sends nothing, and so measures nothing.",
)

# %% [markdown]
# The stall took a fifth of the test. The closed tester noted it *once*.

# %% tags=["predict"]
for name, told in found.items():
    slow_ones = sum(delay > 100 for delay in told)
    print(f"{name:>6}: {len(told)} requests, {slow_ones} over 100 ms, mean {fmean(told):.0f} ms")

# %% [markdown]
# That is **coordinated omission**: the tester and the server agree not to look (law 3). Real cards
# do not wait for each other. Two more ways to flatter: to count the first seconds, in which nothing
# is warm yet, or to report a mean. **Predict** the rate of a run whose first 5 s are at 200 a
# second, then at 1,000.

# %% tags=["predict"]
for seconds in (10, 60, 600):
    records = 5 * 200 + (seconds - 5) * 1_000
    print(f"{seconds:>3} s: {records / seconds:.0f} a second with the start, 1000 without")

# %% [markdown]
# ## 7. What wakes you at night
#
# The job says of itself what is wrong. `Symptoms` is the code behind `/healthz`: it compares the
# newest numbers with those of five or ten minutes ago. Read
# [symptoms.py](../flink_jobs/monitoring/symptoms.py) beside the
# [runbook](../docs/runbook.md), which has seen, why, look and mend for each alert.
#
# Four nights. **Predict** which sentence each gets, and which gets none.

# %% tags=["predict"]
p0, p1 = "transactions/0", "transactions/1"
nights = {
    "a restart an hour ago": (Reading(3_600, restarts=1), Reading(3_900, restarts=1)),
    "lag doubles": (Reading(0, pending=5_000), Reading(300, pending=10_000)),
    "lag is huge, and falls": (Reading(0, pending=900_000), Reading(300, pending=890_000)),
    "records, no window": (
        Reading(0, watermark_ms=1, consumed=10, partitions={p0: 9, p1: 1}),
        Reading(300, watermark_ms=1, consumed=90, partitions={p0: 90, p1: 1}),
    ),
}
for name, readings in nights.items():
    symptoms = Symptoms()
    for reading in [Reading(0), *readings] if "restart" not in name else readings:
        symptoms.add(reading)
    print(f"{name}: {list(symptoms.troubles().values()) or 'well'}")

# %% [markdown]
# A lag of 890,000 that falls is well, and one of 10,000 that grows is not: it is the *change* that
# needs somebody. The first night is told, too: who begins to watch sees a restart, and cannot know
# that it was an hour ago.
#
# An alert that **pages** says that readers suffer and that somebody can act. All else is a
# **ticket** for the morning. **Predict** what a single restart is, and what three are. Both kinds
# are in [alerts.yml](../deploy/prometheus/alerts.yml).

# %% tags=["predict"]
rules = Path("../deploy/prometheus/alerts.yml").resolve().read_text("utf-8").split("- alert: ")[1:]
for severity in ("page", "ticket"):
    print(f"{severity:>6}:", *(r.split()[0] for r in rules if f"severity: {severity}" in r))

# %% [markdown]
# `FeaturesRestarting` is in both lines: one restart waits for the morning, the third within ten
# minutes does not.
#
# **Settings** are checked at the start: a wrong one stops it with a sentence that names the value.
# A **secret** is never printed. It may also be in a file, so that it is in no list of processes.

# %%
try:
    Settings.load({"WINDOW_SLIDE_SECONDS": "45"})
except SettingsError as error:
    print(error)
print("secret" in repr(Settings.load({"REDIS_URL": "redis://me:secret@store:6379/0"})))

# %% [markdown]
# And a new version goes in by a savepoint: stop with it, start from it. <!-- no claim: ours -->
# Whoever just ends the old job and starts the new one from nothing counts half of a window, or all
# of it twice (lesson 09).

# %% [markdown]
# ## 8. A field more, a field less
#
# On Monday a producer adds a field, on Tuesday it renames one, on Wednesday it sends an amount as
# text. **Predict** what the job's decoder makes of each.

# %% tags=["predict"]
monday = dict(
    event_id="e1", card_id="c7", merchant_id="m1", amount_cents=500, country="DE",
    lat=52.5, lon=13.4, event_time=1_760_000_000_000, channel="app",
)  # fmt: skip
tuesday = {**monday, "amount": monday["amount_cents"]}
del tuesday["amount_cents"]
for day, event in (
    ("Monday", monday), ("Tuesday", tuesday), ("Wednesday", {**monday, "amount_cents": "500"}),
):  # fmt: skip
    try:
        print(day, EventDecoder("transactions").decode(b"c7", json.dumps(event).encode()).card_id)
    except Malformed as error:
        print(day, "dead letter:", error)

# %% [markdown]
# A field more is harmless, if a reader ignores what it does not know. A field less is a change that
# old readers cannot bear. There are three ways to meet it, and two are wrong. To **crash** stops
# all cards for one record (section 5). To **skip** it silently, or to take 0 for what is missing,
# makes every sum too small, and nobody is told. A **dead letter** keeps the payload and the reason,
# so that it can be sent again once the reader has learned the new field.
#
# A *schema registry* asks the same question earlier: it refuses the producer, before the first such
# record is in the log.

# %% [markdown]
# ## 9. What it keeps, and what it costs
#
# A customer asks to be forgotten. Where is she? **Predict** the last day on which something of her
# is left.

# %% tags=["predict"]
kept_days = {
    "transactions topic": 7, "window state": 0.004, "checkpoints": 1,
    "savepoint of the upgrade": 90, "feature topic": 7, "store": 0.007,
    "dead letters topic": 30, "logs": 14,
}  # fmt: skip
for place, days in sorted(kept_days.items(), key=lambda item: -item[1])[:3]:
    print(f"{place}: {days} days")

# %% [markdown]
# Not the store, which everybody thinks of. The old savepoint and the dead letters, which hold whole
# payloads. <!-- no claim: ours --> Each place needs a limit, and somebody who has chosen it. The
# same list is the bill: what is kept is paid for. The largest part is often state that nobody frees
# (lesson 07):

# %%
cards, windows_open, bytes_each = 1_000_000, 5, 200
print(f"live: {cards * windows_open * bytes_each / 1e9:.0f} GB, and each checkpoint writes it")
print(f"with windows of a day every minute: {cards * 1_440 * bytes_each / 1e9:.0f} GB")

# %% [markdown]
# ## Break it
#
# - Make two operators slow: 2 and 2.5 a turn, `decode` and `score`. Repair the first slow one. Who
#   is next?
# - The job is able to read 99 a second, and 100 come. When has it caught up?
# - Let the closed tester send twice as often. Does it find the stall?

# %% tags=["predict"]
print("before:", chain(8, 2, 6, 3, 9))
print("after: ", chain(8, 6, 6, 3, 9))
many = delays(open_loop=False, every_ms=10)
print("closed, twice as often:", many[len(many) * 99 // 100], "ms at 99 %, longest", many[-1])

# %% [markdown]
# <details><summary>Answers</summary>
#
# The next slow one is `score`, and only now does it hold the others up: before, it got too little
# to be busy all the time. There is always one, so say first which rate you need. At 99 it never
# catches up: what is left over is less than nothing. However often the closed tester sends,
# it is silent during the stall, and notes one slow answer; only the longest delay tells of it.
# </details>

# %% [markdown]
# ## In Flink this is
#
# Three numbers of each operator, a second has 1,000 ms: <!-- no claim: name -->
#
# ```text
# busyTimeMsPerSecond + backPressuredTimeMsPerSecond + idleTimeMsPerSecond
# ```
#
# They add up to about one second. <!-- claim: flink-busy-idle-backpressured-add-up --><sup>[source:
# Flink, monitoring back
# pressure](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/ops/monitoring/back_pressure/)</sup>
# `make run-flink CLUSTER=1` starts the job with Flink's web interface. <!-- no claim: ours --> It
# colours the operators by these numbers: red is busy, black is held up, blue is idle.
# <!-- claim: flink-web-interface-shows-busy-red-and-held-up-black --><sup>[source: Flink,
# monitoring back pressure](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/ops/monitoring/back_pressure/)</sup>
# So look for the red one behind the black ones. `study status` prints both lags.

# %% [markdown]
# ## Recall
#
# <details><summary>Source and decode are held up, the window is busy at 100 %, score at 40 %. Which
# one do you make faster, and what is the most that you gain?</summary>
#
# The window. At most a factor of 2.5: then score works all the time, and is the next slow one.
# </details>

# %% [markdown]
# <details><summary>The record lag is 0 and features are twenty minutes old. What do you ask
# first?</summary>
#
# Which partition's watermark stands: one of them is silent, and windows wait for it. If all of them
# stand, nobody sends.
# </details>

# %% [markdown]
# <details><summary>A job was away for 6 h and needs 12 h to catch up. What is its
# headroom?</summary>
#
# 6 h of arrivals in 12 h: it reads half as much again as arrives, so 50 %.
# </details>

# %% [markdown]
# <details><summary>Find the smallest load test in which the closed tester and the open one
# disagree.</summary>
#
# Two requests and a stall during the first that outlasts the moment when the second was due.
# </details>
