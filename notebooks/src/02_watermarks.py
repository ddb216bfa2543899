# %% [markdown]
# # Watermarks
#
# After this lesson you can say what a watermark claims, work it out in your head, choose its bound
# from data, and tell why a job prints nothing.
#
# <!-- teaches: 8 9 10 11 15 16 18 -->
#
# About 35 minutes. Needs lesson 01; nothing has to be started.
#
# 1. A claim, not a clock
# 2. Where it comes from
# 3. Why one millisecond less
# 4. It only moves when events come
# 5. The price of waiting
# 6. One bad timestamp
# 7. When it is sent
# 8. Stuck, too fast, too slow

# %% [markdown]
# Three laws:
#
# 1. **W claims that nothing at or before W is expected.** It is a claim, and may be wrong.
# 2. **W = newest event time - bound - 1 ms**, and it never goes back.
# 3. **Judge, then advance.** An event is judged by the W that it meets; then it may move W.

# %% tags=["setup"]
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

# %% tags=["setup"]
from studykit import (
    STORY,
    Event,
    Explorer,
    Picture,
    Policy,
    Predict,
    Stepper,
    outcome,
    parse,
    seconds,
    simulate,
    watermark_stepper,
)
from studykit.checks import typed

# %% [markdown]
# ## 1. A claim, not a clock
#
# In lesson 01 a stream never knew whether a window was complete. Somebody has to make a claim
# about it. That claim is the **watermark**:
#
# > W means: *I expect no more events at or before W.*
#
# It is a statement about event time, made at some processing time. It may turn out to be wrong. It
# filters nothing by itself: an event that comes although nobody expected it is judged by its
# *window*, as you are about to see.

# %% [markdown]
# ## 2. Where it comes from
#
# The usual rule needs one number, the **bound**: how much disorder we are ready to wait for. The
# watermark is the newest event time so far, minus the bound, minus one millisecond.
# <!-- claim: flink-bounded-watermark-subtracts-1-ms -->
#
# **Type it.** This is the first line of an engine of your own. Put it in the place of
# `raise typed.NotDone(...)`. Run the cell, and the check below it, until the check finds nothing.
# Then save the notebook: each lesson adds a few lines, and goes on with what you have saved. At the
# end the engine gives the same rows as the one that this course runs on.


# %% tags=["engine"]
def advanced(watermark_ms, event_ms, bound_ms):
    """Return the watermark after an event: law 2."""
    # BEGIN SOLUTION the event's time - bound - 1 ms, and never back
    return max(watermark_ms, event_ms - bound_ms - 1)
    # END SOLUTION


# %% tags=["check"]
advanced = typed.checked("02", advanced)

# %% [markdown]
# Here it is at work. Look at the lines where W does not change.

# %%
watermark_ms = -4_001  # before the first event: nothing at all is claimed
for number, event in enumerate(STORY, start=1):
    watermark_ms = advanced(watermark_ms, event.event_ms, bound_ms=4_000)
    print(f"#{number:<2} at {seconds(event.event_ms):>4}  W = {seconds(watermark_ms)}")

# %% [markdown]
# Events that leave W alone are older than the newest one. Because W follows a maximum, it **never
# goes back**. That is a promise to everybody downstream, and Flink keeps it too: a watermark that
# is not larger than the one before is not passed on. <!-- claim: flink-watermarks-never-go-back -->
# A watermark is an element *in* the stream, between the events: each operator, which is one stage
# of a job, hands it on to the next. <!-- claim: flink-watermarks-travel-between-events -->
#
# Now the central question of this course. Event #4 happened at 3 s. When it arrives, at 11 s, the
# watermark is already 3.999 s: nobody expected it any more.

# %% tags=["widget"]
trace = simulate(STORY, Policy(bound_ms=4_000))
fourth = next(step for step in trace.steps if step.number == 4)
Predict(
    "Is event #4 still counted in the window [0,10)?",
    ["on time", "dropped"],
    fourth.verdict,
    "It is behind the watermark, but its window is open: W has not reached 9.999 s.",
    reveal=Stepper(trace, watermark_stepper, step=trace.step_at(11_000)),
)

# %% [markdown]
# Step through the whole story. The green line is the watermark: to the right it moves in event
# time, upwards it waits in processing time. Each arrival takes two steps. First the event is
# judged by the watermark as it stands, then it may move the watermark. Watch 15 s: event #6 moves W
# to 9.999 s, and the window [0,10) fires.

# %% tags=["widget", "predict"]
# A picture to step through
Stepper(trace, watermark_stepper, step=trace.step_at(15_000))

# %% [markdown]
# Being **behind the watermark** and being **late** are two different things. Events #4 and #9 are
# behind it and count all the same. Events #7 and #10 find their window gone: they are late, and
# here, where nobody keeps late events, they are **dropped**. Whoever uses the watermark as a
# filter, and drops everything behind it, loses events that were in time.

# %% [markdown]
# ## 3. Why one millisecond less
#
# Times are whole milliseconds, and the bound says that an event may be *up to* 4 s old. After an
# event at 14 s, one at exactly 10 s is within the bound. So W may claim 9.999 s, but not 10 s.

# %%
clock = BoundedOutOfOrderness(bound_ms=4_000)
clock.observe(14_000)

for event_ms in (9_999, 10_000):
    print(
        f"event at {seconds(event_ms):>8}: behind the watermark? {event_ms <= clock.watermark_ms}"
    )

# %% [markdown]
# The two ends fit together. A window [0,10) holds the times up to 9.999 s, so it may fire when W
# reaches 9.999 s: exactly the bound after its end. Here are two streams as lines of text. A dash
# is one second, `a13` is an event of key `a` that happened at 13 s. **Predict**: which of the two
# streams has a result, or have both?

# %% tags=["predict"]
for line in ("a1--a13", "a1--a14"):
    print(f"in  {line}\nout {outcome(simulate(parse(line), Policy(bound_ms=4_000))) or 'nothing'}")

# %% [markdown]
# One second of event time decides. With a bound of b, a window that ends at E fires when the first
# event at or after E + b has come.

# %% [markdown]
# ## 4. It only moves when events come
#
# What if nothing arrives any more? The watermark has no idea that time goes by. We let the story
# run on for eleven more days without a single event:

# %%
later = simulate(STORY, Policy(bound_ms=4_000), until_ms=10**9)
print("another step taken?", len(later.steps) > len(trace.steps))
print("watermark:", seconds(later.steps[-1].watermark_ms), " results:", later.results())

# %% [markdown]
# Nothing. [10,20) holds four events and will hold them for ever. Sooner or later it happens to
# everybody: *my job runs and prints nothing.* **Events move the watermark; waiting does not.** Send
# one event at or after 24 s, the end plus the bound, and [10,20) fires.
#
# The end of a bounded input is different: there W goes to +∞, because really nothing more can come.
# <!-- claim: flink-bounded-source-ends-with-max-watermark --> That is why a test that reads a file
# shows every result, and the same job on Kafka holds the last one back.
# <!-- claim: flink-bounded-source-ends-with-max-watermark -->

# %% [markdown]
# One command does the same to a live job: `stop --drain`. It fires every open window with what is
# there, <!-- claim: flink-stop-with-drain-fires-open-windows --> and so half of them are wrong if
# the job is started again from the savepoint that it leaves, its saved state. Drain a job only if
# it will never go on. <!-- claim: flink-drain-only-for-good --><sup>[source: Flink, savepoints and
# stopping](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/deployment/cli/)</sup>

# %% [markdown]
# ## 5. The price of waiting
#
# Two of our ten events were dropped. A larger bound would have waited for them. **Predict.** Which
# is the smallest bound, in whole seconds, that drops nothing? And what does it cost?

# %% tags=["predict"]
for bound_s in (0, 2, 4, 5, 6, 8):
    run = simulate(STORY, Policy(bound_ms=bound_s * 1_000))
    fired = [step for step in run.steps for c in step.changes if c.kind == "fired"]
    first = f"by #{fired[0].number} at {seconds(fired[0].now_ms)}" if fired else "not yet"
    print(
        f"bound {bound_s} s: {run.counts()['dropped']} dropped; [0,10) needs an event at "
        f"{10 + bound_s} s or later: told {first}"
    )

# %% [markdown]
# A bound of 8 s drops nothing, and gives no result at all within the story. That is the trade:
# **every second of bound moves the event that a result waits for by a second.** Bounds of 2 and 4 s
# wait for the same event here, #6 at 14 s, because no event lies between 12 s and 14 s. With many
# events there is always one, and a second of bound is a second of delay. Side by side:

# %% tags=["figure"]
from studykit import compare, comparison

bounds = {f"bound {s} s": Policy(bound_ms=s * 1_000) for s in (2, 4, 5)}
Picture(compare(STORY, bounds), comparison)

# %% [markdown]
# A perfect watermark, one that is never wrong, exists only if you know the largest possible delay.
# All others are heuristics, and you choose how often they may be wrong.
#
# Turn the knob yourself. Which is the smallest bound that saves event #7, and how much later does
# the first result come?

# %% tags=["widget", "predict"]
# A picture to step through
Explorer(STORY, watermark_stepper, Policy(bound_ms=4_000), knobs=["bound"])

# %% [markdown]
# A bound of 5 s saves event #7, and the first result comes at 18 s instead of 15 s.
#
# Nobody chooses a bound from ten events. Here are 600 payments on a slow network. What has to be
# covered is not how long an event was under way, but how far it is *behind the newest one that
# overtook it*. The upper picture counts that. The lower one says which share each bound would
# keep.
#
# **Predict**: is the bound for 99 % about twice that for 90 %? Then look at the table.

# %% tags=["widget", "predict"]
from studykit import SLOW, bound_tradeoff, seeded

payments = seeded(600, disorder=SLOW)
Explorer(payments, bound_tradeoff, Policy(bound_ms=2_000), knobs=["bound"])

# %% tags=["predict"]
waited = simulate(payments)
behind_ms = bound_tradeoff.lags(waited, len(waited.steps))
ninety, most, all_of_them = (bound_tradeoff.smallest_bound(behind_ms, p) for p in (0.9, 0.99, 1))
print(f"90 % needs {seconds(ninety)}, 99 % {seconds(most)}, all {seconds(all_of_them)}")
print(f"99 % costs {most / ninety:.1f} times as much as 90 %")

# %% [markdown]
# The last percents are the expensive ones. In production you measure this distribution for each
# partition (one of the logs that a topic consists of), choose the share that the business needs,
# and put an alarm on the number of late events: networks change.

# %% [markdown]
# ## 6. One bad timestamp
#
# The rule follows the *largest* event time. What does one broken clock do, on one device, once?

# %%
broken_clock = Event(event_ms=10**12, arrival_ms=10_000, key="a", value=0)
poisoned = simulate([*STORY, broken_clock], Policy(bound_ms=4_000))
print(poisoned.counts())

# %% [markdown]
# One event from the far future moved W there. The window [0,10) fired at once with what it had,
# and every honest event after it was late. Nothing can take that back, because a watermark
# never goes back.
#
# So an event far ahead of its own *append time*, the moment at which the log stored it, must never
# reach the watermark. The system in this
# repository compares the two and sends such an event to the dead letters, with the reason
# `future_timestamp`.

# %% [markdown]
# ## 7. When it is sent
#
# Our engine sends a watermark with each event. Flink's default is different: it sends one every
# 200 ms of processing time. <!-- claim: flink-periodic-watermark-default-200-ms --> Does that
# matter? Here is the count of events behind the watermark, if W is sent with every event, with
# every third, with every tenth. **Predict**: which is the largest?


# %% tags=["predict"]
def behind(times: list[int], bound_ms: int, every: int) -> int:
    """Count the events that are behind W, where W is sent with every so many events."""
    newest_ms, watermark_ms, count = 0, -1, 0
    for number, time_ms in enumerate(times, start=1):
        count += time_ms <= watermark_ms
        newest_ms = max(newest_ms, time_ms)
        if number % every == 0:
            watermark_ms = newest_ms - bound_ms - 1
    return count


times = [event.event_ms for event in payments]
print({every: behind(times, 1_000, every) for every in (1, 3, 10)})

# %% [markdown]
# The same events, the same bound, three answers. A watermark that is sent less often is more
# lenient: sent by a timer, it depends on how fast the machine reads.
# <!-- claim: flink-verdicts-depend-on-how-often-watermarks-are-sent --> If results have to be the
# same each time, send W with each event. For a Kafka table in Flink SQL that is the
# option `scan.watermark.emit.strategy = on-event`.
# <!-- claim: flink-sql-kafka-on-event-watermarks -->

# %% [markdown]
# ## 8. Stuck, too fast, too slow
#
# Three different illnesses, three different cures:
#
# | you see | the watermark is | look at |
# |---|---|---|
# | no results at all | **stuck**: no events, or one input is silent (lesson 06) | W of each input |
# | many late events | **too fast**: a small bound, or a bad clock | delays, times of the future |
# | results long after | **too slow**: the bound is larger than it has to be | delays |

# %% [markdown]
# ## Break it
#
# Drag the marbles, or reach one with Tab and move it with the arrow keys. Right and left change
# when an event happened; up and down change when it arrives. The engine runs after each move.
#
# - Which *single* move makes event #10 (the X at the top) count again?
# - Which single move has a third event dropped?
# - Which single move lets the second window fire, too?

# %% tags=["widget"]
from studykit import Marbles

Marbles(STORY, Policy(bound_ms=4_000))

# %% [markdown]
# <details><summary>One answer to each</summary>
#
# - Let #10 arrive at 14 s or before; at 15 s #6 moves W to 9.999 s. Or let it happen at 10 s or
#   later: then it belongs to a window that is open.
# - Let #3 arrive at 16 s: [0,10) has fired at 15 s, without it.
# - [10,20) fires once an event at 24 s or later has come: move #8 or #9 to the right, to 24 s.
# </details>

# %% [markdown]
# ## In Flink this is
#
# ```sql
# WATERMARK FOR rt AS rt - INTERVAL '4.001' SECOND
# ```
#
# In SQL you write the millisecond yourself: `rt - INTERVAL '4' SECOND` gives the newest time minus
# 4,000 ms, one more than our rule. <!-- claim: flink-sql-watermark-subtracts-no-ms --> In the
# DataStream API it is built in: <!-- claim: flink-bounded-watermark-subtracts-1-ms -->
#
# ```python
# WatermarkStrategy.for_bounded_out_of_orderness(Duration.of_seconds(4))
# ```

# %% [markdown]
# ## Recall
#
# <details><summary>The newest event is from 60.000 s, the bound is 30 s. Which events does the
# watermark call unexpected?</summary>
#
# Those at or before 29.999 s. One at exactly 30.000 s is within the bound.
# </details>

# %% [markdown]
# <details><summary>Find the line that keeps law 2 in <code>advanced</code>, and construct the
# smallest stream on which the engine breaks the law without it.</summary>
#
# `max`: without it W follows the last event and not the newest. Two events show it, at 14 s and
# then at 3 s: W goes back from 9.999 s to -1.001 s.
# </details>

# %% [markdown]
# <details><summary>An event is behind the watermark. Is it late?</summary>
#
# Not by that alone. It is late if the window that it belongs to has fired. An open window takes
# it.
# </details>

# %% [markdown]
# <details><summary>A colleague's job shows nothing for its last window, and she waits longer. What
# do you tell her?</summary>
#
# That waiting moves no watermark. An event at or after the window's end plus the bound does. If
# there are none, the window has to wait; a bounded run would fire it at the end.
# </details>
