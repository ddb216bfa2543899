# %% [markdown]
# # Two clocks
#
# After this lesson you can say, for any record, *when it happened* and *when you got it*, and why
# a count that mixes them cannot be trusted.
#
# <!-- teaches: 1 2 3 4 5 -->
#
# About 35 minutes. Needs nothing but this notebook. One button at the end starts the real thing for
# two minutes, if you press it. Run cell after cell with Shift+Enter: where you see **Predict**,
# answer first.
#
# 1. Ten events, seen by two clocks
# 2. Two clocks, two answers
# 3. The same log, read again
# 4. A stream has no end
# 5. The clock that Kafka keeps
# 6. A time is a number and a unit
# 7. How late is late?
# 8. Your own event

# %% [markdown]
# Three laws, which the rest of the course keeps:
#
# 1. **Event time belongs to the event.** Nothing that happens on the way changes it.
# 2. **A result depends on the log alone.** The same log, read again, gives the same result; no
#    clock on a wall decides.
# 3. **A time has a unit and a zone**, or it is not a time.

# %% tags=["setup"]
import os
import time
from collections import Counter
from datetime import datetime, timezone
from statistics import mean, median

from msgspec.structs import replace

# %% tags=["setup"]
from studykit import (
    STORY,
    LivePayment,
    Policy,
    Predict,
    Stepper,
    seeded,
    simulate,
    two_clocks,
)

# %% [markdown]
# ## 1. Ten events, seen by two clocks
#
# Two sensors, `a` and `b`, send ten readings over a slow network. Each reading carries the moment
# at which it was taken. That is its **event time**. When it reaches us, our own clock shows
# something else: its **processing time**. Here they are, in the order in which they arrived:

# %%
for number, event in enumerate(STORY, start=1):
    print(
        f"#{number:<2} key {event.key}   happened {event.event_ms:>6} ms   "
        f"arrived {event.arrival_ms:>6} ms"
    )

# %% [markdown]
# The number in front, #1 to #10, is the order of arrival. It names the event in every picture and
# sentence of this course. The difference between the two times is the **skew**: how long the event
# was under way. Before you go on, look down the list and choose.

# %% tags=["widget"]
trace = simulate(STORY)
longest = max(range(10), key=lambda n: STORY[n].skew_ms) + 1
Predict(
    "Which event was under way for longest?",
    ["#4", "#7", "#9", "#10"],
    f"#{longest}",
    "It happened at 6 s and arrived at 23 s.",
    reveal=Stepper(trace, two_clocks),
)

# %% [markdown]
# Now walk through the arrivals. Event time runs to the right, processing time upwards, and both
# have the same scale. On the dotted line an event would arrive in the moment in which it happens.
# Nothing can lie below it, unless somebody's clock is wrong.

# %% tags=["widget", "predict"]
Stepper(trace, two_clocks, step=7)

# %% [markdown]
# Read the picture from bottom to top and you see what *we* see: #1, #2, #3, … The event times jump
# back from 8 s (#3) to 3 s (#4). Read it from left to right and you see what *happened*. The
# two orders differ. This is **disorder**, and it is the normal case: networks retry, phones lose
# their signal, one server is slower than another.

# %% [markdown]
# ## 2. Two clocks, two answers
#
# "How many readings were there in each ten seconds?" It sounds like one question. Predict both
# lines before you run the cell: how many are in the first ten seconds, by either clock?

# %% tags=["predict"]
by_event_time = Counter(event.event_ms // 10_000 for event in STORY)
by_arrival = Counter(event.arrival_ms // 10_000 for event in STORY)

print("when they happened:", dict(sorted(by_event_time.items())))
print("when we got them:  ", dict(sorted(by_arrival.items())))

# %% [markdown]
# Six readings were taken in the first ten seconds, but only three had reached us by then. Neither
# line is a bug. The first counts what went on at the sensors, the second counts the work that we
# had. A fraud rule, a bill, a feature for a model: they ask about the sensors. They need event
# time.

# %% [markdown]
# ## 3. The same log, read again
#
# Here is the test that tells the clocks apart. Suppose that our program was down for an hour. The
# log has kept everything, and now we read it again, one record a millisecond.
#
# **Predict.** Which of the two counts stays as it was?

# %% tags=["predict"]
replayed = [replace(event, arrival_ms=3_600_000 + n) for n, event in enumerate(STORY)]

print("when they happened:", dict(Counter(event.event_ms // 10_000 for event in replayed)))
print("when we got them:  ", dict(Counter(event.arrival_ms // 10_000 for event in replayed)))

# %% [markdown]
# By event time nothing has changed: six and four. By processing time all ten fell into one bucket,
# number 360. An answer that depends on *when you computed it* cannot be repeated, so it cannot be
# checked. Compute last month again, and history has changed.

# %% [markdown]
# This is law 2, and the system in this repository keeps it: it takes its time from the log alone.
# The law has a condition, though. A count of the *whole* log is the same in any order. A stream
# that must answer before the end also decides which events come too late, and that decision must
# depend on the log alone, too. Lesson 02 (section 7) and lesson 06 show two ways to get this wrong.

# %% [markdown]
# ## 4. A stream has no end
#
# It is tempting to think that streaming is batch, only faster. A batch job has one advantage that
# a stream never has: it knows when its input is over. `simulate` adds up the values in stretches
# of ten seconds, in **windows**. We let it run over the story twice: as a file that ends, and as a
# stream that goes on.

# %%
as_file = simulate(STORY, Policy(bounded=True))
as_stream = simulate(STORY, Policy(bounded=False))

print("a file:  ", as_file.results())
print("a stream:", as_stream.results())

# %% [markdown]
# The stream has no result for the window from 10 s to 20 s, and waiting will not bring one. Four
# readings lie in it, but for all we know a fifth is under way. *What lets us close a window at
# all?* That is the whole of lesson 02.
#
# Note also that the file's answer tells you little about a live job. Flink, the stream processor
# with which this course ends, declares event time to be over at the end of a file, and everything
# that is still open gives its result.
# <!-- claim: flink-bounded-source-ends-with-max-watermark --> A test that only ever reads files
# never meets the window that does not fire.

# %% [markdown]
# ## 5. The clock that Kafka keeps
#
# There is a third time, between the two: **ingestion time**, when a record was stored. Kafka is the
# log that this course reads from. <!-- no claim: ours --> *Producers* append records
# to a *topic*, one or more logs with a name, its *partitions*, and a server, the **broker**, keeps
# them. <!-- no claim: name --> Each record has a
# timestamp, too. Whose clock is it? That is a setting of the topic: `CreateTime`, the producer's
# own clock, or `LogAppendTime`, the broker's.
# <!-- claim: kafka-timestamp-type-is-a-topic-setting -->

# %% [markdown]
# Kafka's default is `CreateTime`. <!-- claim: kafka-default-timestamp-is-create-time --> So do not
# take a record's timestamp for processing time, nor for event time: find out who set it.

# %% [markdown]
# We keep the three apart:
#
# | time | who sets it | where it is | what we use it for <!-- no claim: ours --> |
# |---|---|---|---|
# | event time | the device | in the payload, `event_time` | every result |
# | ingestion time | the broker | the record's timestamp | to refuse events of the future |
# | processing time | our own clock | nowhere | logs and metrics, never a result |

# %% [markdown]
# ## 6. A time is a number and a unit
#
# Times in this course are whole milliseconds since 1970, in UTC. What goes wrong otherwise? Take a
# producer that sends seconds, and a reader that expects milliseconds.

# %%
sent = 1_760_000_400  # epoch seconds, in October 2025

print("meant:", datetime.fromtimestamp(sent, tz=timezone.utc))
print("read: ", datetime.fromtimestamp(sent / 1_000, tz=timezone.utc))

# %% [markdown]
# The event lands in January 1970, fifty-five years before it happened, and no exception was raised.
# Our schema refuses any event time before March 1973: a time in seconds is below that, a time in
# milliseconds is not. Such an event is set aside, with the reason (a *dead letter*, lesson 05), and
# makes no strange result.
#
# The second trap is a time without a zone. **Predict.** The same line of code runs on a machine in
# New York, on one in Berlin, and on a server. Do they mean the same moment?

# %% tags=["predict"]
naive = datetime(2026, 3, 1)  # noqa: DTZ001

for zone in ("America/New_York", "Europe/Berlin", "UTC"):
    os.environ["TZ"] = zone  # this machine stands there now
    time.tzset()
    print(f"{zone:<17}{int(naive.timestamp()) * 1_000:>15} ms")

same = datetime(2026, 3, 1, tzinfo=timezone.utc)
print(f"with a zone      {int(same.timestamp()) * 1_000:>15} ms, anywhere")

# %% [markdown]
# Six hours apart, and no error. Without `tzinfo` Python takes the zone of the machine, so the same
# code gives one answer on your laptop and another on the server. Only the last line is the same
# everywhere. Convert to UTC milliseconds where a time enters the system, and never look back.

# %% [markdown]
# ## 7. How late is late?
#
# Sooner or later we have to decide how long to wait for stragglers. Here are 400 card payments
# from the simulator. Most are quick. **Predict.** Is the mean delay a good time to wait?

# %% tags=["predict"]
delays = sorted(event.skew_ms for event in seeded(400))

print(f"mean {mean(delays):.0f} ms, median {median(delays):.0f} ms")
print(f"99 of 100 within {delays[395]} ms, the slowest {delays[-1]} ms")
print(f"slower than the mean: {sum(delay > mean(delays) for delay in delays)} of 400")

# %% [markdown]
# The mean is a poor guide. Delays have a long tail: a few stragglers need many times as long as
# the typical event, and the mean hides them. Wait for the mean, and almost a third of the payments
# is still under way. Ask which *share* of the events you must have, then read the time off the
# tail. Lesson 02 does that.

# %% [markdown]
# ## 8. Your own event
#
# Where all of this leads to: a payment goes in, and a number about its card comes out, ready for
# whoever has to decide whether to trust the card. Such a number is a **feature**. The button starts
# a broker, a store and the program between them; <!-- no claim: ours --> other cards pay as well.
# Every five seconds the program counts a minute of payments. It needs ten seconds to a minute to
# start, and a third of a gigabyte of memory. After two minutes everything ends by itself.

# %% [markdown]
# **Predict**, then press: you pay "just now", and then a second time, for something that happened
# half a minute ago. Which of the two is counted in more minutes? And one from ten minutes ago?

# %% tags=["widget"]
LivePayment()

# %% [markdown]
# <details><summary>What you should see</summary>
#
# The first number comes some ten seconds after you have paid: the minute has to be over, by event
# time, and the program waits five seconds more for stragglers. A payment is in twelve minutes,
# since a new one begins every five seconds. The one from half a minute ago has missed those that
# are over, and is counted in the rest. The one from ten minutes ago has missed all, and is set
# aside with the reason `late`. *Under way* is the skew of section 1: nobody's clock was wrong.
# </details>

# %% [markdown]
# If something does not start, the button says why, and the course goes on without it. If you
# restart the kernel meanwhile, all that was started ends within seconds; run the cell again.

# %% [markdown]
# ## Break it
#
# Event #4 gets stuck in the network and arrives at 40 s. **Predict.** Which count moves? Then
# change its `event_ms` instead, and run the cell again.

# %% tags=["predict"]
broken = [*STORY[:3], replace(STORY[3], arrival_ms=40_000), *STORY[4:]]

print("when they happened:", dict(sorted(Counter(e.event_ms // 10_000 for e in broken).items())))
print("when we got them:  ", dict(sorted(Counter(e.arrival_ms // 10_000 for e in broken).items())))

# %% [markdown]
# <details><summary>What you should see</summary>
#
# A later arrival moves the count by processing time: one reading less in 10 to 20 s, one in 40 to
# 50 s. The count by event time stays, for law 1 holds: nothing on the way changes event time. With
# another `event_ms` it is the other way round: the count by event time moves, and the other stays.
# </details>

# %% [markdown]
# ## In Flink this is
#
# In Flink SQL you name the column that carries event time, and windows go by it:
# <!-- claim: flink-sql-event-time-is-a-column -->
#
# ```sql
# CREATE TABLE transactions (
#   event_time BIGINT,                              -- epoch milliseconds, from the payload
#   rt AS TO_TIMESTAMP_LTZ(event_time, 3),          -- the same as a timestamp
#   WATERMARK FOR rt AS rt - INTERVAL '30.001' SECOND   -- lesson 02
# ) WITH ('connector' = 'kafka', ...)
# ```
#
# A table without a `WATERMARK` line has no event time, and Flink refuses event-time windows over
# it. <!-- claim: flink-window-needs-time-attribute -->

# %% [markdown]
# ## Recall
#
# Answer first, then open.
#
# <details><summary>A record has the Kafka timestamp 12:00:05, and its payload says 11:58:00. When
# did it happen?</summary>
#
# At 11:58:00. The timestamp says when the broker stored it, or when the producer sent it,
# depending on the topic. <!-- claim: kafka-timestamp-type-is-a-topic-setting --> The payload says
# when it happened.
# </details>

# %% [markdown]
# <details><summary>You run yesterday's log again, and the counts differ. What do you look
# for?</summary>
#
# The line that breaks law 2. Something uses processing time: `now()`, a window in processing time,
# watermarks that are sent by a timer, or the order in which several partitions happened to be read.
# Counts by event time over the whole log cannot differ.
# </details>

# %% [markdown]
# <details><summary>Construct the smallest stream on which a count by processing time breaks law
# 2.</summary>
#
# One event. Read it in the first ten seconds, then read the log again a minute later: another
# bucket has the one.
# </details>

# %% [markdown]
# <details><summary>Why can a stream not wait until "all" events of a minute are there?</summary>
#
# Because it cannot know that they are. There is always the possibility that one is still under
# way. It needs a rule that says when to stop waiting, and that rule may be wrong.
# </details>
