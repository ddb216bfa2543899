# %% [markdown]
# # Many inputs
#
# After this lesson you can say which of several inputs holds the clock, find out why a job runs
# and prints nothing, and tell when it is safe to leave an input out.
#
# <!-- teaches: 12 13 14 17 -->
#
# About 40 minutes. Needs lessons 01 to 05; nothing has to be started. One button starts a broker
# for a minute, if you press it. <!-- no claim: ours -->
#
# Three laws. Everything below follows from them:
#
# 1. The common watermark is the **smallest** of the inputs that are not idle.
# 2. It never goes back, not even for an idle input that wakes behind it.
# 3. An input that has said nothing yet holds it at the very beginning.

# %% [markdown]
# The way:
#
# 1. Four logs, one clock
# 2. Who holds the clock?
# 3. Idle: left out
# 4. Slow is not idle
# 5. Before the logs are mixed
# 6. More readers than logs
# 7. The fast one waits in memory
# 8. No clock in common
# 9. Four real producers

# %% tags=["setup"]
from msgspec.structs import replace

from studykit import (
    FOUR_PARTITIONS,
    Explorer,
    LiveMutes,
    Mutes,
    Policy,
    Predict,
    Stepper,
    min_watermark,
    muted,
    seconds,
    simulate,
    view,
)

# %% [markdown]
# ## 1. Four logs, one clock
#
# A topic is not one log but several, side by side: its **partitions**. Inside of one partition
# records keep their order. <!-- claim: kafka-order-within-a-partition --> Between two partitions
# there is no order at all: one reader may be a second ahead of another, or a day.
#
# So each partition gets a watermark of its own, by the rule of lesson 02. A window that takes
# events from all of them needs one that is true for all. **Central question: who holds the
# clock?**
#
# Here are four partitions, each with an event every three seconds. The green line is the clock.

# %% tags=["widget"]
policy = Policy(bound_ms=4_000)
even = simulate(FOUR_PARTITIONS, policy)
Stepper(even, min_watermark, step=even.step_at(20_000), stills=[even.step_at(20_000)])

# %% [markdown]
# Step back to the beginning. As long as one partition has said nothing, there is no common
# watermark at all (law 3). Then it follows whichever partition is furthest behind (law 1), and a
# window fires when the *last* of the four has passed its end.
# <!-- claim: flink-minimum-over-inputs -->

# %% [markdown]
# ## 2. Who holds the clock?
#
# Somebody pulls a plug: from 12 s on the producer of p3 is silent. The others go on. Windows are
# 10 s long, the bound is 4 s, and 45 s pass.

# %% tags=["widget"]
silence = {"p3": (12_000, None)}
stuck = simulate(muted(FOUR_PARTITIONS, silence), policy)
Predict(
    "Three of four partitions send events for 40 s. How many windows have a result at 45 s?",
    [0, 1, 2, 3],
    len(stuck.results()),
    "p3 stopped before its watermark reached 9.999 s, so even the first window waits.",
    reveal=Stepper(stuck, min_watermark, step=len(stuck.steps), stills=[len(stuck.steps)]),
)

# %% [markdown]
# It runs, reads every event, and prints nothing. Nothing is broken, and no error is logged. Below
# are four mute buttons. Mute p3, and let it wake at 30 s or never: what it has to say in the
# meantime comes in a burst when it wakes.

# %% tags=["widget", "predict"]
# A picture to step through
Mutes(FOUR_PARTITIONS, min_watermark, policy, mute=["p3"])

# %% [markdown]
# While p3 is silent all others fill memory: every window that they touch stays open. When p3 wakes
# at 30 s everything is counted, nothing is lost, and all results come at once. **Waiting is slow
# and right.**
#
# What you look at, then, is never the average. It is the watermark of *each* input, and the
# smallest of them has the name that you need. `make status` shows it for the real pipeline.

# %% [markdown]
# ## 3. Idle: left out
#
# Some inputs are silent because they have nothing to say: a shop that is closed, a country at
# night. To wait for these is of no use. So an input that sends nothing for a while, in *processing
# time*, may be called **idle**, and is left out of the minimum.
# <!-- claim: flink-idle-input-is-left-out -->
#
# Now p3 is silent from 12 s to 30 s and is called idle after 5 s. The results come in time. Then
# p3 wakes, and brings what happened at 12, 15, 18, 21, 24 and 27 s.

# %% tags=["widget"]
silence = {"p3": (12_000, 30_000)}
idle = replace(policy, idle_ms=5_000)
woken = simulate(muted(FOUR_PARTITIONS, silence), idle)
lost = [step.event.event_ms // 1_000 for step in woken.steps if step.verdict == "dropped"]
Predict(
    "How many of the events that p3 brings at 30 s are dropped?",
    [0, 3, 6],
    len(lost),
    f"Those at {lost} s: [10,20) fired while p3 slept, and [20,30) is still open at 30 s.",
    reveal=Stepper(woken, min_watermark, step=woken.step_at(30_000)),
)

# %% [markdown]
# The watermark does not go back (law 2), <!-- claim: flink-watermarks-never-go-back --> so the
# sleeper's events meet windows that have fired without it. One of the windows has 10 events, and
# had 13 when we waited. Nobody made a mistake: the setting decided that a result now is worth more
# than these three events.
#
# A partition of a source that wakes *behind* the watermark holds it where it is until it has
# caught up. <!-- claim: flink-woken-partition-holds-up --> That is law 1 again.

# %% [markdown]
# ## 4. Slow is not idle
#
# Idleness looks like the cure for every job that prints nothing. So people set it to a second.
# Here p3 is never muted. It is only slow: its events need 8 s more than the others'. **Predict**
# what an idleness of 1 s costs, and one of 5 s.

# %% tags=["predict"]
slow = [
    replace(event, arrival_ms=event.arrival_ms + 8_000 * (event.source == "p3"))
    for event in FOUR_PARTITIONS
]
for idle_ms in (None, 5_000, 3_000, 2_000, 1_000):
    run = simulate(slow, replace(policy, idle_ms=idle_ms))
    when = f"after {idle_ms} ms" if idle_ms else "never"
    print(f"idle {when:<13} {run.counts()['dropped']} of {len(slow)} dropped")

# %% [markdown]
# p3 sends an event every three seconds. An idleness below that calls it idle between any two of
# its events, and the others run away from it. **An input with records that nobody has read yet is
# slow, and never idle.** That is the number to look at before anybody turns on idleness: its
# *lag*, the number of unread records.
#
# | its watermark is behind, and | it is | do |
# |---|---|---|
# | it has no unread records | empty | leave it out, if you can bear what it brings later |
# | it has unread records | slow | let it read; more readers, or wait |
# | it has never said anything | unknown | find out whether it is read at all |

# %% [markdown]
# ## 5. Before the logs are mixed
#
# Where in a program is the watermark made? At the source there are four partitions. After a
# `map`, or after the events were sent to other machines by key, there is only one stream of mixed
# events. Whoever makes the watermark *there* has one maximum over all.
#
# **Predict**: the same slow p3, no idleness, one maximum for the whole stream. How many are
# dropped?

# %% tags=["predict"]
mixed = [replace(event, source="mixed") for event in slow]
for name, stream in (("four watermarks, their minimum", slow), ("one maximum over all", mixed)):
    run = simulate(stream, policy)
    print(f"{name:>30}: {run.counts()['dropped']} of {len(stream)} dropped")

# %% [markdown]
# The fast partitions push the maximum. Whatever the slow one brings is behind it, and four of its
# events find their window gone. With a backlog of minutes instead of 8 s it is nearly everything.
# The order inside of each partition, which cost nothing and was right, has been thrown away. **Make
# watermarks where the partitions are: at the source.**

# %% [markdown]
# ## 6. More readers than logs
#
# Somebody raises the parallelism to five, to be faster. There are four partitions, so the fifth
# reader has none, and nothing to say. To the window it is an input like any other.

# %%
five = simulate(FOUR_PARTITIONS, policy, sources=["p0", "p1", "p2", "p3", "nobody"])
print("results:", five.results(), " watermark:", seconds(five.steps[-1].watermark_ms))

# %% [markdown]
# Law 3: no result, ever, although every event is read. The same happens to a partition that exists
# and has never had an event, after a test environment was copied for instance, or after the number
# of partitions was raised while the job ran. It helps to name the unheard inputs in an alarm, and
# to read with at most as many readers as there are partitions.

# %% [markdown]
# ## 7. The fast one waits in memory
#
# The minimum has a price that no result shows. As long as the slow input holds the clock, whatever
# the fast ones bring has to be kept. **Predict**: p3 is silent from 12 s to 30 s. How many windows
# are open at most: as many as without the silence, or more?

# %% tags=["predict"]
for name, run in (("even", even), ("p3 silent", simulate(muted(FOUR_PARTITIONS, silence), policy))):
    most, since_ms = view(run, len(run.steps)).peak
    print(f"{name:>9}: at most {most} windows open, since {seconds(since_ms)}")

# %% [markdown]
# With four small partitions that is one window more. With one that was down for a day, and is read
# again from where it stopped, it is a day of windows for every key. The remedy is **alignment**: a
# reader that is too far ahead of the others pauses until they have come after it, and what it has
# not read costs nothing, since it is still in the log.
#
# The same is true of two different streams that meet in one operator. Payments come every second up
# to 40 s, clicks only up to 9 s, and the window of 10 s counts both. **Predict** what has fired.

# %% tags=["predict"]
from studykit import Event

paid = [Event(n * 1_000, n * 1_000, source="payments") for n in range(1, 41)]
clicked = [Event(n * 1_000, n * 1_000, source="clicks") for n in range(1, 10)]
both = simulate([*paid, *clicked], policy)
print("results:", both.results(), " watermark:", seconds(both.steps[-1].watermark_ms))

# %% [markdown]
# Nothing: the slower *stream* is the clock of both, and whoever looks at the payments alone calls
# the job stuck. Lesson 08 joins two streams, and counts what it has to keep.

# %% [markdown]
# ## 8. No clock in common
#
# Does a window need a common watermark at all? All events of a card are in one partition, because
# the card is the record's key. So the windows of a card can only miss events of this one
# partition. The processor in this repository uses that: **each partition is judged by its own
# watermark**, and none can make another's events late. The production job does the same, with one
# exception: a partition that was called idle and has woken.
#
# Read the class `WatermarkCombiner` in
# [watermarks.py](../flink_jobs/utils/watermarks.py): three laws in forty lines. Then
# [judged.sql](../flink_jobs/sql/judged.sql), whose comment says what becomes of that exception.

# %% [markdown]
# ## 9. Four real producers
#
# So far all was simulated. The button below starts a broker of its own, a topic with four
# partitions, and a producer for each that sends twice a second. <!-- no claim: ours --> A reader
# draws what it has got, every second. After a minute everything ends, and the button starts it
# anew. It takes ten seconds to a minute to start, and a third of a gigabyte of memory; whatever
# else runs is left alone.
#
# **Predict**, then press: you mute p3 at about 15 s. Which window is the last to fire? What comes
# when you wake it, and what comes when you call it idle after 2 s instead?

# %% tags=["widget"]
LiveMutes(min_watermark, Policy(bound_ms=2_000))

# %% [markdown]
# <details><summary>What you should see</summary>
#
# [0,10) has fired by then, since it needs an event at 12 s or later in each partition. [10,20)
# waits for p3, and all others with it. When p3 wakes, it sends what it has kept, nothing is lost,
# and the windows fire at once. Call it idle, and the line jumps to the slowest of the others; the
# picture judges the whole log anew. What p3 brings afterwards for a window that has fired is
# dropped.
# </details>

# %% [markdown]
# ## Break it
#
# - Which *single* mute makes the most windows wait? Is there one that none waits for?
# - Mute all four, call them idle after 5 s, and let them never wake. What is the common watermark
#   then, and why?
# - Find an idleness that drops nothing although p3 sleeps from 12 s to 30 s.

# %% tags=["widget"]
# A picture to step through
Mutes(FOUR_PARTITIONS, min_watermark, idle, mute=["p0", "p1", "p2", "p3"])

# %% [markdown]
# <details><summary>Answers</summary>
#
# Any single mute holds every window, since each of the four stops short of 9.999 s: it does not
# matter who is slowest. With all four idle nobody is waited for, and the watermark is the largest
# that any of them reached; it does not fall back. The last event of p3 came at 9.8 s, so it is
# silent for 20.2 s: only an idleness above that drops nothing, and here "never" is the only choice.
# </details>

# %% [markdown]
# Which idleness is right for the slow partition of section 4? Turn the knob: 0 s means never.

# %% tags=["widget"]
# A picture to step through
Explorer(slow, min_watermark, replace(policy, idle_ms=1_000), knobs=["idle"])

# %% [markdown]
# <details><summary>Answer</summary>
#
# From 4 s on nothing is dropped, since its longest pause is 3 s. But it is slow, and not empty: the
# honest setting is *never*. With 4 s a single pause of 5 s is enough to lose events again.
# </details>

# %% [markdown]
# ## In Flink this is
#
# A watermark per partition is what you get from the Kafka source if the strategy is given *to the
# source*. <!-- no claim: name --> In the table of our production job, two settings of
# [source_kafka.sql](../flink_jobs/sql/source_kafka.sql) are about this lesson:
#
# ```sql
# 'scan.watermark.emit.strategy' = 'on-event',
# 'scan.watermark.idle-timeout' = '${idle_s} s'
# ```
#
# In the DataStream API: <!-- no claim: name -->
#
# ```python
# strategy = WatermarkStrategy.for_bounded_out_of_orderness(Duration.of_seconds(4))
# stream = env.from_source(source, strategy.with_idleness(Duration.of_minutes(5)), "payments")
# ```

# %% [markdown]
# ## Recall
#
# <details><summary>Find the line of <code>WatermarkCombiner</code> that keeps law 2.</summary>
#
# The line before the last of `_combine`: `self.watermark_ms = max(self.watermark_ms, combined)`.
# </details>

# %% [markdown]
# <details><summary>Construct the smallest stream that breaks law 2 if that line is
# <code>self.watermark_ms = combined</code>.</summary>
#
# Three reports of two inputs: a says 9, b is idle, b says 3. The result would go from 9 back to 3.
# </details>

# %% [markdown]
# <details><summary>A job prints nothing. Its lag is 0 on all partitions but one, and there it is
# 200,000. A colleague wants to call that partition idle. What do you say?</summary>
#
# That it is slow, not empty. Left out, its 200,000 records come late. It has to be read, and then
# the results come by themselves.
# </details>

# %% [markdown]
# <details><summary>The same job prints nothing on Sundays only. What would you look at?</summary>
#
# At partitions without events on Sundays. They have nothing to say and no lag, so idleness fits.
# Then count what they bring on Monday morning.
# </details>
