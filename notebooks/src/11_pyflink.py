# %% [markdown]
# # PyFlink
#
# After this lesson you can run the rules that you know on Flink, say where its time goes, and read
# the job that this repository would put into production. <!-- no claim: ours -->
#
# About 60 minutes. Needs lessons 01 to 05 and 3 GB of free memory. Section 10 starts what
# it needs, and at the end it is stopped.
#
# 1. Your window
# 2. The same in Flink
# 3. Bundles
# 4. State and timers
# 5. What Python costs
# 6. The same in SQL
# 7. One millisecond
# 8. Seven lost afternoons
# 9. The production job
# 10. A window that never fires
# 11. Row by row
# 12. What became of the late ones

# %% tags=["setup"]
import time
from collections import Counter
from importlib.resources import files

import pandas as pd
from pyflink.common import Time, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, ProcessWindowFunction
from pyflink.datastream.state import StateTtlConfig, ValueStateDescriptor
from pyflink.datastream.window import TumblingEventTimeWindows

from flink_jobs import feature_job
from flink_jobs.datastream import job as datastream_job
from flink_jobs.features.row import encode_row
from flink_jobs.processor import replay
from studykit import STORY, STORY_POLICY, Predict, simulate
from studykit.flink import in_process, production

# %% [markdown]
# ## 1. Your window
#
# Here is what lessons 02 to 05 come down to: a sum for each card in windows of 10 s, a bound of
# 4 s, an allowed lateness of 3 s. You could have written it.

# %%
sums, told, watermark_ms = Counter(), [], -1
for event in STORY:
    end_ms = event.event_ms // 10_000 * 10_000 + 10_000
    if watermark_ms < end_ms - 1 + 3_000:  # not purged
        sums[event.key, end_ms] += event.value
        if watermark_ms >= end_ms - 1:  # fired already: tell it again
            told.append((event.key, end_ms, sums[event.key, end_ms]))
    before_ms, watermark_ms = watermark_ms, max(watermark_ms, event.event_ms - 4_001)
    told += [(*w, total) for w, total in sums.items() if before_ms < w[1] - 1 <= watermark_ms]

print(*told, sep="\n")

# %% [markdown]
# Twelve for `a`, nine for `b`, then ten for `b`: the late event of value 1. The rules take nine
# lines. What is missing is the long part: many machines, a crash in the middle, a source that is
# read again, a sink that must not count twice. That is what Flink is for. <!-- no claim: name -->
#
# **Your rules stay, and something else keeps them alive.**

# %% [markdown]
# ## 2. The same in Flink
#
# Now in Flink's DataStream API: a stream, a key, an assigner, a function for a window that fires.
# <!-- no claim: name --> Every function names the type of what it gives; section 8 shows why.
#
# A small Flink, the *mini-cluster*, will run it inside this notebook. <!-- no claim: ours --> It
# starts Java, which takes a few seconds the first time. <!-- no claim: ours -->


# %%
class Total(ProcessWindowFunction):
    def process(self, card, context, events):
        window = context.window()
        total = sum(event[2] for event in events)
        yield f"{card} [{window.start},{window.end}) {total}"


def ten_seconds(stream):
    late = OutputTag("late", stream.get_type())
    keyed = stream.key_by(lambda event: event[1], Types.STRING())
    windowed = keyed.window(TumblingEventTimeWindows.of(Time.seconds(10))).allowed_lateness(3_000)
    fired = windowed.side_output_late_data(late).process(Total(), Types.STRING())
    return fired, fired.get_side_output(late).map(lambda event: f"late {event}", Types.STRING())


# %% [markdown]
# We give it the ten events of the story, in the order in which they arrived.

# %% tags=["widget"]
Predict(
    "The story goes in: ten events. How many of them come out at the side, as late?",
    [0, 1, 2],
    simulate(STORY, STORY_POLICY).counts()["dropped"],
    "Only event 10 finds its window purged. Event 7 is late, too, but its window is still kept.",
)

# %% [markdown]
# Run it. The last line compares these windows of [0,10) with those of section 1.

# %% tags=["slow"]
flink = in_process.Flink()
first = flink.run(*ten_seconds(flink.stream(STORY, bound_ms=4_000)))
print(*first, sep="\n")

assert [line for line in first if "[0,10000)" in line] == [
    f"{card} [0,10000) {total}" for card, _, total in told
]

# %% [markdown]
# The same three lines, to the digit, and one event at the side.
# <!-- claim: flink-late-side-output --> The windows of [10,20) fired as well, since a file has an
# end. <!-- claim: flink-bounded-source-ends-with-max-watermark -->
#
# That it agrees with nine lines of Python is no luck. The engine of this course follows Flink's
# rules, and its tests compare the two. <!-- no claim: ours -->

# %% [markdown]
# ## 3. Bundles
#
# Where did `Total` run? Flink is a Java program, and it sends the events to Python, which runs
# beside it, <!-- claim: flink-python-runs-beside-java-by-default --> and gets the results back. One
# trip for each event would be slow, so they travel in **bundles**: up to 1,000 rows, or what comes
# in a second. <!-- claim: flink-python-bundles-1000-rows-or-1-s -->
#
# So far it was one row. Now it gets the usual thousand. Same events, same code.

# %% tags=["widget"]
Predict(
    "What changes?",
    ["nothing", "the results come later", "late events are not late any more"],
    "late events are not late any more",
    "The watermark waits until all ten events have been to Python and back.",
)

# %% [markdown]
# And now the run:

# %% tags=["slow"]
usual = {"python.fn-execution.bundle.size": "1000", "python.fn-execution.bundle.time": "60000"}
bundled = in_process.Flink(usual)  # a minute, so that a slow machine does not cut a bundle short
second = bundled.run(*ten_seconds(bundled.stream(STORY, bound_ms=4_000)))
print(*second, sep="\n")

assert "b [0,10000) 12" in second
assert not any(line.startswith("late") for line in second)

# %% [markdown]
# Event 10, dropped a moment ago, is in the sum. The watermark does not overtake a bundle: it waits
# until the bundle is back. <!-- claim: flink-python-bundle-holds-the-watermark --> So the verdict
# on a late event now depends on how many others travel with it, and that depends on the load.
#
# Ask of any job in Python: **what decides here, the events or the bundle?** In the production job
# it is the events, as you will see.

# %% [markdown]
# ## 4. State and timers
#
# Windows are made of two simpler things, and you may use them yourself: **state**, a value that is
# kept for each key, and **timers**, which call you when the watermark gets somewhere. This function
# tells when a card has been silent for 5 s.


# %%
class Silence(KeyedProcessFunction):
    def open(self, runtime_context):
        newest = ValueStateDescriptor("newest_ms", Types.LONG())
        newest.enable_time_to_live(StateTtlConfig.new_builder(Time.days(1)).build())
        self.newest_ms = runtime_context.get_state(newest)

    def process_element(self, event, ctx):
        self.newest_ms.update(max(event[0], self.newest_ms.value() or 0))
        ctx.timer_service().register_event_time_timer(event[0] + 5_000)

    def on_timer(self, timestamp, ctx):
        if self.newest_ms.value() == timestamp - 5_000:  # else it has spoken since
            self.newest_ms.clear()
            yield f"{ctx.get_current_key()} silent from {timestamp - 5_000} to {timestamp}"


# %% [markdown]
# Each event sets a timer. One that goes off finds out whether the card has spoken since.

# %%
cards = flink.stream(STORY, bound_ms=4_000).key_by(lambda event: event[1], Types.STRING())
silent = flink.run(cards.process(Silence(), Types.STRING()))
print(*silent, sep="\n")

# %% [markdown]
# Three things to take along:
#
# - An attribute such as `self.count = 0` is *not* state: all keys of a worker share it,
#   <!-- claim: flink-attribute-is-shared-by-keys --> and a crash takes it away. State is what you
#   get from `runtime_context`.
# - `open` runs where the function works. It is the place for state, and for connections.
# - A finished key gives its state back: `clear`. The **time to live** is only a net below that. It
#   counts wall time, never event time, <!-- claim: flink-state-ttl-is-processing-time --> so a
#   short one makes the answer depend on when you ran the job.

# %% [markdown]
# ## 5. What Python costs
#
# The fraud windows of this repository exist three times. `flink_jobs/datastream/job.py` is the
# DataStream form: the state and the timers of section 4, and the windows of lesson 04.
# <!-- no claim: ours --> `flink_jobs/feature_job.py` is the SQL form. <!-- no claim: ours --> The
# third is our own processor, plain Python without Flink. <!-- no claim: ours --> First of all: do
# they agree?

# %% tags=["slow"]
folder = flink.folder
few, many = (production.write_payments(folder / f"{n}.jsonl", n) for n in (300, 20_000))
forms = {
    "processor": replay.replay_file,
    "DataStream": datastream_job.replay_with_datastream,
    "SQL": feature_job.replay_file,
}
for name, run in forms.items():
    run(few, folder / name, production.SETTINGS)
rows = {name: (folder / name / "features.jsonl").read_text().splitlines() for name in forms}

assert rows["processor"] == rows["DataStream"] == rows["SQL"]
print(f"{len(rows['SQL'])} rows from 300 payments, the same three times. The first:\n")
print(rows["SQL"][0][:100], "...")

# %% [markdown]
# Now the clock. The two quick ones get 20,000 payments, the slow one 2,000.
#
# **Predict.** How many times as fast as the DataStream form is SQL: as fast, ten times, a hundred?

# %% tags=["slow"]
less = production.write_payments(folder / "2000.jsonl", 2_000)

for name, log in {"processor": many, "DataStream": less, "SQL": many}.items():
    begin = time.perf_counter()
    forms[name](log, folder / name, production.SETTINGS)
    took = time.perf_counter() - begin
    count = log.read_bytes().count(b"\n")
    print(f"{name:<10} {count:>6} payments in {took:4.1f} s, {count / took:>7,.0f} a second")

# %% [markdown]
# These are numbers of this machine. A Flink job takes some seconds to start, which weighs most on
# the quicker one. <!-- no claim: ours --> In the DataStream form every event travels from Java to
# Python and back. <!-- claim: flink-python-runs-beside-java-by-default --> Windows in SQL stay in
# Java. <!-- claim: flink-sql-windows-run-in-java --> There Python gets whole batches to decode, and
# otherwise only windows that are finished.

# %% [markdown]
# Our processor is quick although it is Python. So the language is not what costs. **What costs is
# crossing the border for every event.** And nobody takes Flink for its speed on one core:
# one takes it for many machines, and for a job that goes on after a crash.
# <!-- claim: flink-goes-on-from-its-checkpoint -->

# %% [markdown]
# ## 6. The same in SQL
#
# The table has the watermark in its definition, and `TUMBLE` is the assigner.
# <!-- no claim: name --> None of this is Python.

# %%
SUMS = """
SELECT card, EXTRACT(SECOND FROM window_start) AS starts_at, COUNT(*) AS events,
  SUM(amount) AS total
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(rt), INTERVAL '10' SECOND))
GROUP BY card, window_start, window_end
"""
flink.table("payments", STORY, watermark="rt - INTERVAL '4.001' SECOND")
table = flink.query(SUMS)
counted = int(table["events"].sum())

# %% tags=["widget"]
Predict(
    "Ten events went in. How many are counted in the rows that came out?",
    [8, 9, 10],
    counted,
    "Each window has fired once and is gone. Events 7 and 10 both come after that.",
)

# %% [markdown]
# Here are the rows:

# %%
print(table.to_string(index=False))
assert counted == 8

# %% [markdown]
# Two events have vanished. No error, no side output, no second firing: windows in Flink SQL drop
# what is late, <!-- claim: flink-sql-windows-drop-late-without-output --> and only a counter,
# `numLateRecordsDropped`, knows how many. <!-- claim: flink-late-records-dropped-counter -->
#
# The way out is to judge *before* the window. The largest event time so far is an ordinary running
# maximum, and with it the verdict is an ordinary comparison:

# %%
VERDICTS = """
SELECT event_ms, amount, seen - 4001 AS watermark_ms,
  CASE WHEN event_ms - MOD(event_ms, 10000) + 9999 <= seen - 4001 THEN 'late' ELSE 'on time' END
    AS verdict
FROM (
  SELECT *, MAX(event_ms) OVER (ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    AS seen FROM (SELECT *, PROCTIME() AS arrival FROM payments)
)
"""
judged = flink.query(VERDICTS)
print(judged[judged.verdict == "late"].to_string(index=False))

assert list(judged.query("verdict == 'late'").event_ms) == [9_000, 6_000]

# %% [markdown]
# There they are, with the watermark that they met. What is on time goes to the window, what is
# late to the dead letters, and **the window has nothing left to drop**. That is the shape of the
# production job.

# %% [markdown]
# ## 7. One millisecond
#
# The bound says that an event may be 4 s old. Two events: one at 13.999 s, and then one at 9.999 s,
# exactly 4 s older. Is it in time for [0,10)? We ask Flink's own generator for DataStreams, and
# then two tables in SQL. <!-- no claim: ours -->

# %%
exact = [in_process.at(13_999), in_process.at(9_999)]
print("DataStream: W =", in_process.generated_watermark(13_999, bound_ms=4_000))

for seconds_back in ("4", "4.001"):
    flink.table("payments", exact, watermark=f"rt - INTERVAL '{seconds_back}' SECOND")
    kept = flink.query(SUMS).events.sum()
    print(f"SQL with {seconds_back:>5} s: {kept} of 2 events counted")

# %% [markdown]
# The DataStream API takes off the millisecond by itself; W is 9.998 s, and [0,10) waits.
# <!-- claim: flink-bounded-watermark-subtracts-1-ms --> SQL does what is written, no more: with
# `'4' SECOND` W is 9.999 s, the window has fired, and an event that is in time by the agreement is
# lost. <!-- claim: flink-sql-watermark-subtracts-no-ms -->
#
# It is one event in thousands. Nobody finds that by looking; whoever compares two programs row by
# row finds it at once.

# %% [markdown]
# ## 8. Seven lost afternoons
#
# Each of these has cost somebody an afternoon, because the message is far from the mistake, or
# there is none. It needs a few more names:

# %% tags=["setup"]
import threading

from pyflink.common import WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import MapFunction
from pyflink.datastream.connectors.number_seq import NumberSequenceSource

# %% [markdown]
# **Predict** before you run each: an error, silence, or a wrong answer?
#
# The first: a function that names no type for what it gives. The second: a connection that is made
# in `__init__`. A lock stands in for it here.


# %%
class Connected(MapFunction):
    def __init__(self):
        self.connection = threading.Lock()

    def map(self, event):
        return event[2]


events = flink.stream(STORY, bound_ms=4_000)
print("no type named:", events.map(lambda event: event[2]).get_type())
print("in __init__:  ", in_process.error_of(lambda: flink.run(events.map(Connected())))[-1])

# %% [markdown]
# Without a type the numbers travel as **pickled bytes**: Python finds them again, Java can neither
# add nor compare them. <!-- claim: flink-python-without-type-is-pickled --> Nothing fails until
# somewhere behind something wants a number. So name each type.
#
# `__init__` runs *here*, where the job is put together. Then the function, with all that it holds,
# is pickled and sent to where it works.
# <!-- claim: flink-functions-are-pickled-with-what-they-hold --> A connection cannot be. `open`
# runs *there*: connect in it.
#
# The third: the function itself fails, on one event in ten. Where does it say so?

# %%
broken = events.map(lambda event: event[2] // (event[2] - 1), Types.LONG())
lines = in_process.error_of(lambda: flink.run(broken))
at = next(number for number, line in enumerate(lines) if "ZeroDivisionError" in line)
print("more than 100 lines:", len(lines) > 100, "\n")
print(*lines[:3], "...", *lines[at - 2 : at + 1], sep="\n")

# %% [markdown]
# What you see first is the client's error: a job has failed. What you need is the worker's, from
# Python, and it stands in the middle of Java's.
# <!-- claim: flink-worker-error-is-inside-the-clients --> Search for the last `File` that is yours.
# On a cluster, look into the logs of the workers, too.
#
# The fourth: an `INSERT` of ten rows. How many are there when the call is back?

# %%
kept = flink.folder / "kept"
flink.tables.execute_sql(
    "CREATE TEMPORARY TABLE kept (card STRING, amount BIGINT) "
    f"WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '{kept}')"
)
flink.table("payments", STORY, watermark="rt - INTERVAL '4.001' SECOND")
job = flink.tables.execute_sql("INSERT INTO kept SELECT card, amount FROM payments")

print("call is back, rows:", in_process.rows_in(kept))
job.wait()
print("job has ended, rows:", in_process.rows_in(kept))

# %% [markdown]
# `execute_sql` hands the job over and comes back.
# <!-- claim: flink-insert-returns-before-the-end --> A script that ends there ends its job too: no
# rows, no error. <!-- claim: flink-insert-returns-before-the-end --> It is `.wait()` that is
# missing. In a notebook one does not notice, since the kernel lives on.
#
# The fifth: a table on Kafka, in a Flink that was installed with `pip`. <!-- no claim: name -->

# %%
flink.tables.execute_sql(
    "CREATE TEMPORARY TABLE topic (amount BIGINT) WITH ('connector' = 'kafka', 'topic' = 't')"
)
lines = in_process.error_of(lambda: flink.query("SELECT * FROM topic"))
print(next(line for line in lines if "identifier" in line).partition("that")[0])

# %% [markdown]
# "No factory for identifier" means: a jar is missing. The package has no Kafka connector.
# <!-- claim: flink-package-has-no-kafka-connector --> Take the jar that was made for your version;
# its name says which. The Python here and the Python where the functions work have to be of one
# version, too. `make doctor` looks at all of it.
#
# The sixth gives a wrong answer. A sum for each card, without a window: what comes out?

# %%
changes = flink.tables.execute_sql("SELECT card, SUM(amount) FROM payments GROUP BY card")
with changes.collect() as rows:
    for row in list(rows)[:5]:
        print(f"{row.get_row_kind().name:<14}", *row)

table = flink.tables.sql_query("SELECT card, SUM(amount) FROM payments GROUP BY card")
lines = in_process.error_of(lambda: flink.tables.to_data_stream(table))
print("\n" + next(line for line in lines if "update" in line).partition("which")[0])

# %% [markdown]
# Every row has a **kind**. An update is two rows: the old one taken back, the new one sent.
# <!-- claim: flink-updates-are-two-rows --> Whoever reads all of them as inserts, adds up 5, 5 and
# 8. `to_data_stream` refuses such a table; <!-- claim: flink-to-data-stream-takes-inserts-only -->
# `to_changelog_stream` takes it, and your function has to look at the kind. Only windows that fire
# once give inserts alone.
#
# The seventh is silent. The time of an event may be set by Python, and a source takes a
# strategy. Together?


# %%
class Seconds(TimestampAssigner):
    def extract_timestamp(self, value, record_timestamp):
        return value * 1_000


strategy = WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(Seconds())
numbers, none = NumberSequenceSource(1, 3), WatermarkStrategy.no_watermarks()
on_source = flink.env.from_source(numbers, strategy, "numbers", Types.LONG())
behind = flink.env.from_source(numbers, none, "numbers", Types.LONG())

print("on the source:", in_process.times_of(flink, on_source))
behind = behind.assign_timestamps_and_watermarks(strategy)
print("behind it:    ", in_process.times_of(flink, behind))

# %% [markdown]
# On the source the assigner in Python is never called, and nobody says so.
# <!-- claim: flink-python-assigner-on-a-source-is-ignored --> With Kafka the events would then have
# the records' timestamps. <!-- claim: kafka-timestamp-type-is-a-topic-setting --> Behind the source
# it works, but there the partitions are mixed already, and a slow one hides among the others
# (lesson 06). In SQL the watermark belongs to the table, and is the smallest of its partitions'.
# <!-- claim: flink-minimum-over-inputs --> That is one more reason for the next section.

# %% [markdown]
# ## 9. The production job
#
# [feature_job.py](../flink_jobs/feature_job.py) is the entry point,
# [job/graph.py](../flink_jobs/job/graph.py) puts the statements together, and the rules are in the
# folder `flink_jobs/sql`, one file a statement. You know the idea of each by now. This is the
# running maximum of section 6, for each partition:

# %%
sql = files("flink_jobs") / "sql"
print((sql / "clocked.sql").read_text())

# %% [markdown]
# It is keyed state, so it is in the checkpoint, and a restart judges on as if nothing had happened.
# <!-- claim: flink-goes-on-from-its-checkpoint -->
#
# The usual way is to compare with `CURRENT_WATERMARK`. <!-- no claim: other --> That has no value
# when a job starts. <!-- claim: flink-current-watermark-is-null-at-first --> Late events then pass
# as on time, and the window drops them without a trace: a job that loses events only when it
# recovers.
#
# And this is the window:

# %%
print((sql / "fraud.sql").read_text())

# %% [markdown]
# Look at what is *not* there: no sum, no count, no speed between two payments, no `WHERE` behind
# `HOP`. <!-- no claim: ours --> A window's payments travel as lines of JSON. Each begins with the
# watermark by which it was judged, so `finish_fraud` can leave an event out of exactly the windows
# that it came too late for. The rest it leaves to the aggregate that our own processor uses, once
# for a window.

# %% [markdown]
# ## 10. A window that never fires
#
# Now it runs. The next cell starts a Kafka and a Redis in the folder `.study/lesson11`, on free
# ports. <!-- no claim: ours --> What you have started with `make up` is neither read nor written.
# It takes about ten seconds.

# %% tags=["needs-services", "slow"]
lab = production.JobLab()
print(lab.start())

# %% [markdown]
# Four hundred payments belong to four partitions. We send those of three partitions, start the job,
# and wait until it has read them all. (`--idle-seconds 0` switches off a safety net; more of that
# in a moment.)

# %% tags=["needs-services", "slow"]
payments = production.payments(400)
sent = lab.send(one for one in payments if one.partition != 3)
lab.start_job("--idle-seconds", "0")
print(f"the job has read {lab.wait_until_read()} of {sent} payments")

# %% tags=["widget"]
Predict(
    "The payments cover two hours, the windows last five minutes. How many rows are there?",
    [0, "about a quarter of them", "almost all"],
    len(lab.records("features-fraud")),
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

# %% tags=["needs-services", "slow"]
lab.send(one for one in payments if one.partition == 3)
rows = lab.records("features-fraud", at_least=1)
print(len(rows), "rows after the first payments of partition 3")

# %% [markdown]
# In production a partition may be silent for good reasons. Then a timeout declares it **idle**, and
# the minimum leaves it out. <!-- claim: flink-idle-input-is-left-out --> That is wall time, the one
# place where a clock on the wall gets a say: too short, and a partition that is only slow is called
# idle, and its events are late when they come. The job takes 60 s.

# %% [markdown]
# ## 11. Row by row
#
# Kafka is the witness: the same records, read by both.
# <!-- claim: kafka-reading-removes-nothing --> Our processor takes them partition by
# partition. First a payment for every partition, a day later, moves every watermark past all that
# came before.

# %% tags=["needs-services", "slow"]
lab.send(production.a_day_later(payments))
lab.wait_until_read()
told, refused = production.by_processor(lab.records("transactions"))
rows = lab.records("features-fraud", at_least=len(told))

print(len(told), "rows by the processor,", len(rows), "rows by Flink")
assert sorted(one.value for one in rows) == sorted(map(encode_row, told))

# %% [markdown]
# Equal to the last digit of the last column. Side by side, the same three windows, and what the
# store answers when somebody asks for the newest one:

# %% tags=["needs-services", "slow"]
ours = {(one.key, one.window_end): one.features.amount_sum_cents for one in told}
flinks = {
    production.window_of(one): production.features_of(one)["amount_sum_cents"] for one in rows
}
newest = sorted(ours, key=lambda window: window[1])[-3:]

print(pd.DataFrame({"processor, cents": ours, "Flink, cents": flinks}).loc[newest])
card, end_ms = newest[-1]
held = lab.features(f"features:fraud:{card}")
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
# ## 12. What became of the late ones
#
# In section 6 two late events vanished. Here each of them is a record in the
# topic `dead-letter`, the original bytes as its value, the reasons in its headers.

# %% tags=["needs-services", "slow"]
letters = lab.records("dead-letter", at_least=len(refused))
headers = [{name: value.decode() for name, value in one.headers} for one in letters]
table = pd.DataFrame(headers)
print(Counter(table.reason))
print(table.query("reason == 'partial_late'")[["late_by_ms", "missed_windows"]].head(3))

assert {one.key for one in letters} == {one.key for one in refused}

# %% [markdown]
# The same letters, record for record, as the processor wrote. Lateness that a window would
# have swallowed has a name, a number and an address now.
#
# That is all. The last cell stops everything, and removes what it has kept:

# %% tags=["needs-services", "slow"]
print(lab.stop())

# %% [markdown]
# ## Break it
#
# - Section 3: which bundle size is the smallest that saves event 10? Why this one?
# - Section 7: give the table a bound of `'14'` SECOND. What is counted, and when does it fire?
# - Section 10: run it again with `"--idle-seconds", "5"` and without the payments of partition 3.
#   What comes out now? Then send them. Which reason is in their dead letters?

# %% [markdown]
# ## In Flink this is
#
# | the rule | DataStream | SQL, production <!-- no claim: name --> |
# |---|---|---|
# | newest - bound - 1 ms | `for_bounded_out_of_orderness` | `rt - INTERVAL '30.001' SECOND` |
# | window | `SlidingEventTimeWindows` | `HOP`: `fraud.sql` |
# | late event | side output | dropped, so `routed.sql` takes it out before |
# | allowed lateness | `allowed_lateness(ms)` | none; refused at the start |
# | state for each key | `get_state` | `OVER`: `clocked.sql` |
# | timers | `register_event_time_timer` | inside the windows |

# %% [markdown]
# ## Recall
#
# <details><summary>A colleague rewrites a SQL job as a DataStream job in Python, "because Python is
# what we know". What do you ask first?</summary>
#
# How many events a second. Every one crosses the border between Java and Python.
# <!-- claim: flink-python-runs-beside-java-by-default --> If the function is called once for a
# window, or for a batch, it may stay in Python.
# </details>

# %% [markdown]
# <details><summary>A job in Flink SQL counts a few payments less than the nightly batch. No error
# anywhere. Where do you look?</summary>
#
# At the counter of dropped events: SQL windows drop what is late without a word.
# <!-- claim: flink-sql-windows-drop-late-without-output --> Then at the watermark: is the bound
# right, and is the millisecond there?
# </details>

# %% [markdown]
# <details><summary>Four partitions, three of them busy, and no window has ever fired. What is
# it?</summary>
#
# The fourth has sent nothing, so the minimum over the four stands still. Send an event there, or
# let a timeout call the partition idle, and know what that costs.
# </details>
