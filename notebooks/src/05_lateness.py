# %% [markdown]
# # Lateness
#
# After this lesson you can say what becomes of an event that comes after its window has fired,
# what a correction does to those who read the first result, and how to lose nothing without
# noticing.
#
# <!-- teaches: 6 29 31 32 33 34 35 36 37 -->
#
# About 40 minutes. Needs lessons 01 to 04; nothing has to be started.
#
# 1. Three fates
# 2. To the millisecond
# 3. Wait before, or correct after
# 4. What a correction does downstream
# 5. A key and a revision
# 6. Not only once
# 7. Nothing vanishes
# 8. The query that never ends

# %% [markdown]
# Three laws:
#
# 1. **The window decides, never the event's age**: on time, corrected, or late.
# 2. **A corrected result replaces the one before**: it has the same key and window, and a larger
#    revision.
# 3. **Nothing vanishes**: consumed = accepted + late + malformed + future.

# %% tags=["setup"]
from flink_jobs.engine.windows import is_closed, is_purged

# %% tags=["setup"]
from studykit import (
    STORY,
    STORY_POLICY,
    Explorer,
    Picture,
    Policy,
    Predict,
    Stepper,
    seconds,
    simulate,
    typed_before,
    watermark_stepper,
)
from studykit.checks import typed

Engine = typed_before("05")["Engine"]  # what you have typed so far

# %% [markdown]
# ## 1. Three fates
#
# In lesson 02 two of our ten events came after their window had fired, and were dropped. Now we let
# a fired window live on for a while. The **allowed lateness** says how long, in event time. From
# now on it is 3 s.
#
# Event #7 happened at 9 s. When it arrives the watermark is 9.999 s, so its window [0,10) has fired
# already.

# %% tags=["widget"]
trace = simulate(STORY, STORY_POLICY)
seventh = next(step for step in trace.steps if step.number == 7)
Predict(
    "What becomes of event #7, value 1?",
    ["on time", "corrected", "dropped"],
    seventh.verdict,
    "Its window has fired 21, but is still in memory. It takes the event and fires again: 22.",
    reveal=Stepper(trace, watermark_stepper, step=trace.step_at(17_000)),
)

# %% [markdown]
# Go through the rest of the story. At 18 s the watermark reaches 12.999 s, the lateness of [0,10)
# is over, and the window is purged. Event #10 comes five seconds later and finds nothing to
# correct.

# %% tags=["widget", "predict"]
# A picture to step through
Stepper(trace, watermark_stepper, step=trace.step_at(15_000))

# %% [markdown]
# Three fates, and it is always the **window** that decides, never the event's own age:
#
# | when the event comes, its window is | verdict | what happens |
# |---|---|---|
# | open | on time | it is counted; the result comes later |
# | fired, still kept | corrected | it is counted; the window fires again at once |
# | purged | late, and dropped | it is not counted |

# %% [markdown]
# **Late** means in this course what the production system means by it: *every* window of the event
# is purged. What then becomes of the event is another question: a bare window **drops** it, and our
# system writes a dead letter (section 7). Event #9 is the test of whether you believe it: 12 s,
# while the watermark is 12.999 s. Behind the watermark, and on time.

# %% [markdown]
# ## 2. To the millisecond
#
# Two comparisons make these fates. A window fires at W ≥ end - 1, and is purged at W ≥ end - 1 +
# lateness. <!-- claim: flink-purges-at-end-minus-1-plus-lateness --> **Predict** the four lines
# for [0,10) and a lateness of 3 s.

# %% tags=["predict"]
for watermark_ms in (9_998, 9_999, 12_998, 12_999):
    fired = is_closed(10_000, watermark_ms)
    gone = is_purged(10_000, watermark_ms, lateness_ms=3_000)
    print(f"W = {seconds(watermark_ms):>8}   fired: {fired!s:<5}   purged: {gone}")

# %% [markdown]
# Whoever compares with `end` instead of `end - 1` is wrong for one millisecond, and that is
# enough. In our story the watermark stops at exactly 9.999 s and 12.999 s. With the wrong rule the
# window fires later, event #7 is on time, event #10 is saved, and the first result is 22. Every
# number is plausible, and every number is wrong.
#
# Both belong into your engine. **Type it**: a window that has fired is kept with the revision that
# it has told; an event that comes for it is counted and told at once, with a revision one higher.
# A row is `(key, start_ms, end_ms, revision, total)` now.


# %% tags=["engine"]
class Engine(Engine):
    """A window that has fired takes corrections until its lateness is over."""

    def __init__(self, bound_ms, size_ms, slide_ms=None, lateness_ms=0):
        super().__init__(bound_ms, size_ms, slide_ms)
        self.lateness_ms, self.revisions = lateness_ms, {}

    def is_closed(self, window, after_ms=0):
        # BEGIN SOLUTION has W reached end - 1 + after_ms?
        return self.watermark_ms >= window[1] - 1 + after_ms
        # END SOLUTION

    def tell(self, key, window):
        # BEGIN SOLUTION a revision, 0 or one more than before; the row
        revision = self.revisions.get((key, window), -1) + 1
        self.revisions[key, window] = revision
        self.rows.append((key, *window, revision, self.totals[key, window]))
        # END SOLUTION


# %% [markdown]
# With these, counting and firing are said anew. A window is freed when its lateness is over, and
# then from `totals` and from `revisions`.


# %% tags=["engine"]
class Engine(Engine):
    """Counting and firing, with corrections."""

    def count(self, key, window, value):
        # BEGIN SOLUTION False if purged; else add, tell if fired, True
        if self.is_closed(window, self.lateness_ms):
            return False  # purged
        self.totals[key, window] = self.totals.get((key, window), 0) + value
        if self.is_closed(window):
            self.tell(key, window)
        return True
        # END SOLUTION

    def fire(self):
        # BEGIN SOLUTION tell what is due and new; free what is over
        for key, window in sorted(self.totals, key=lambda held: held[1][1]):
            if self.is_closed(window) and (key, window) not in self.revisions:
                self.tell(key, window)
            if self.is_closed(window, self.lateness_ms):
                del self.totals[key, window], self.revisions[key, window]
        # END SOLUTION


# %% tags=["check"]
Engine = typed.checked("05", Engine)

# %% [markdown]
# **Predict**: how many rows has key
# `b`?

# %% tags=["predict"]
mine = Engine(bound_ms=4_000, size_ms=10_000, lateness_ms=3_000)
late = [n for n, e in enumerate(STORY, start=1) if mine.on_event(e.key, e.event_ms, e.value)]
print(*mine.rows, f"late: {late}", sep="\n")

# %% [markdown]
# Two: 9, and then 10 with revision 1, the correction by #7. Key `a` has one. This is your engine:

# %%
from studykit import EngineSoFar

EngineSoFar("05")

# %% [markdown]
# ## 3. Wait before, or correct after
#
# A bound of 7 s or a bound of 4 s and a lateness of 3 s: both give stragglers about seven seconds.
# **Predict** what differs.

# %% tags=["predict"]
for policy in (Policy(bound_ms=7_000), Policy(bound_ms=4_000, lateness_ms=3_000)):
    run = simulate(STORY, policy)
    told = [(seconds(s.now_ms), c.total) for s in run.steps for c in s.changes if "fired" in c.kind]
    print(f"bound {policy.bound_ms}, lateness {policy.lateness_ms}: {told}, {run.counts()}")

# %% [markdown]
# The same on one axis:

# %% tags=["figure", "predict"]
from studykit import compare, comparison

both = {"bound 7 s": Policy(bound_ms=7_000), "bound 4 s,\nlateness 3 s": STORY_POLICY}
Picture(compare(STORY, both), comparison)

# %% [markdown]
# Neither saves event #10, and both end with 22. But the larger bound makes *every* result wait,
# those included that were complete long ago: 18 s instead of 15 s. Lateness gives the first answer
# early and corrects it afterwards.
#
# The state lives equally long in both cases. What you pay for the early answer is that it may
# change. Whether you can afford that depends on who reads it.

# %% [markdown]
# ## 4. What a correction does downstream
#
# The window [0,10) said 21 and then 22. Results go to a **sink**: a table, a topic, a store.
# Suppose that it simply adds up whatever comes. Is its sum right? That depends on what is sent, and
# there are three ways:
#
# - **discarding**: only what is new since the last firing,
# - **accumulating**: everything that the window has,
# - **retracting**: first take back the old value, then send the new one.

# %% tags=["widget"]
from studykit import panes, view

(window, *_) = view(trace, len(trace.steps)).windows
sums = {mode: sum(sent.value for sent in panes.emissions(window, mode)) for mode in panes.MODES}
Predict(
    "A sink adds up every value that it gets. In which mode does it end with a wrong sum?",
    panes.MODES,
    max(sums, key=sums.get),
    f"It ends with {sums['accumulating']}: the 21 is in there twice.",
    reveal=Stepper(trace, panes, step=len(trace.steps)),
)

# %% tags=["widget", "predict"]
Stepper(trace, panes, step=trace.step_at(15_000))

# %% [markdown]
# Flink's windows accumulate by default: when a late event comes, the whole new result is sent.
# <!-- claim: flink-refire-accumulates --> So a sink that adds, or an append-only table, counts
# twice. Nothing warns you; the sums are only too large.

# %% [markdown]
# That makes three kinds of reader: one that **appends** needs results that never change. One that
# understands **retractions** can have anything. One that **upserts**, that is overwrites by key,
# needs to know which row a result belongs to. A store such as Redis is of the third kind.
# <!-- claim: redis-hset-overwrites --> In Flink SQL the table `kafka` only appends, and refuses
# what may change; `upsert-kafka` overwrites, by a primary key.
# <!-- claim: flink-sql-kafka-appends-upsert-kafka-overwrites -->

# %% [markdown]
# ## 5. A key and a revision
#
# To overwrite the right row you need a key: the *entity*, such as a card or a user, and the window.
# But is the *newest* message always the *latest* result? After a crash, messages are sent again,
# and an old one can come after a new one.

# %%
sent = [change for step in trace.steps for change in step.changes if "fired" in change.kind]
again = [*sent, sent[0]]  # the first result is repeated after a crash

blind, careful = {}, {}
for change in again:
    blind[change.key, change.end_ms] = change.total
    old = careful.get((change.key, change.end_ms), (-1, None))
    careful[change.key, change.end_ms] = max(old, (change.revision, change.total))
print("overwrites always:     ", blind)
print("compares the revision: ", careful)

# %% [markdown]
# The blind store went back to 21. The careful one compares the **revision**: 0 for the first
# result of a window, one more for each correction. Every row that this system writes carries
# `window_end` and `revision`, and the store refuses what is not newer. Then it does no harm to
# send a thing twice, which lesson 09 builds on.

# %% [markdown]
# ## 6. Not only once
#
# A window of a day fires once a day, which is too late for a dashboard. A **trigger** decides when
# a window fires. Besides the watermark it can be a count of events, or a timer in processing time.
# Here are *early* results of [0,10), one after every second event, and what a trigger gives that
# counts to three and does nothing else:

# %% tags=["predict"]
first = [event.value for event in STORY[:6] if event.event_ms < 10_000]  # before it fired
early = [sum(first[:n]) for n in range(2, len(first) + 1, 2)]
alone = [sum(first[:n]) for n in range(3, len(first) + 1, 3)]
print("early results:", early, " at the watermark:", sum(first))
print("a count of three alone:", alone)

# %% [markdown]
# Early results are drafts, and they accumulate: the reader must overwrite. The second line is the
# trap. If you give a Flink window a trigger of your own, it *replaces* the default one.
# <!-- claim: flink-trigger-replaces-default --> The fourth event waits for two more that never
# come, whatever the watermark says. A good trigger of your own also fires when the watermark passes
# the end.
#
# And a timer in processing time brings the wall clock back in: the drafts then differ from run to
# run. Only the result at the watermark can be repeated.

# %% [markdown]
# ## 7. Nothing vanishes
#
# What became of event #10? Flink drops it, unless told otherwise, and a counter with the name
# `numLateRecordsDropped` goes up by one. <!-- claim: flink-late-records-dropped-counter --> Its
# key, its value, its reason are gone. Flink is programmed in two ways. <!-- no claim: name --> In
# the one, the **DataStream API**, you can ask for a **side output**, a second stream for late
# events. <!-- claim: flink-late-side-output --> In the other, **Flink SQL**, windows have none.
# <!-- claim: flink-sql-windows-drop-late-without-output -->
#
# The rule of this repository is stricter: whatever comes in is accounted for. One line checks it.

# %%
counts = trace.counts()
print(counts, "together", sum(counts.values()), "of", len(STORY))
assert sum(counts.values()) == len(STORY)

for step in trace.steps:
    if step.verdict == "dropped":
        print(
            f"dead letter: #{step.number}, late by {step.before_ms - step.event.event_ms} ms,",
            f"missed {step.missed}",
        )

# %% [markdown]
# Here eight are on time and one corrected: nine are **accepted**, and one is late. Law 3, for each
# partition (one of the logs of a topic): consumed = accepted + late + malformed + future. It is a
# metric, and an assertion in the tests. The **dead letter** keeps the original bytes, the reason,
# the watermark that the event met and the windows that it missed. So somebody can look, repair and
# send it again. A loss that is counted is a decision. A loss that is not counted is a bug that you
# find in March.

# %% [markdown]
# ## 8. The query that never ends
#
# One last trap, because it looks right on every screen. Compare:
#
# ```sql
# SELECT window_start, SUM(v) FROM TABLE(TUMBLE(...)) GROUP BY window_start
# SELECT window_start, SUM(v) FROM TABLE(TUMBLE(...)) GROUP BY window_start, window_end
# ```
#
# The first is no window aggregation. Flink plans one only if the grouping has both columns.
# <!-- claim: flink-window-start-only-is-no-window-aggregation --> Otherwise it is an ordinary
# `GROUP BY` that sends an update for each event, pays no heed to the watermark and keeps every
# group. <!-- claim: flink-group-by-keeps-every-group --> The screen shows the right numbers, until
# the state fills the disk.

# %% [markdown]
# Ask before you run it: with `EXPLAIN` in front, a query prints its plan. There stands a
# `GroupAggregate` for the first and a `WindowAggregate` for the second.
# <!-- claim: flink-window-start-only-is-no-window-aggregation --> The setting
# `table.exec.state.ttl` forgets groups that nobody has touched for so long, by the clock on the
# wall; it is off by default. <!-- claim: flink-sql-state-ttl-is-off-by-default --> It is a net, and
# lesson 07 shows what it changes.

# %% [markdown]
# ## Break it
#
# - With a bound of 4 s: which smallest lateness, in whole seconds, saves event #10?
# - What is the largest number of results that you can get out of [0,10)?
# - Find a setting in which the *first* result is already 22.

# %% tags=["widget"]
# A picture to step through
Explorer(STORY, watermark_stepper, STORY_POLICY, knobs=["bound", "lateness"])

# %% [markdown]
# Or leave the policy alone and move the events. Can you make three of them corrections and drop
# none?

# %% tags=["widget"]
from studykit import Marbles

Marbles(STORY, STORY_POLICY)

# %% [markdown]
# <details><summary>What you should find</summary>
#
# - 4 s. W is 12.999 s when #10 comes, and [0,10) with a lateness of 4 s is purged at 13.999 s.
# - Three: the first result and one correction each by #7 and #10, with a lateness of 4 s or more.
# - A bound of 5 s: [0,10) waits for #8, and #7 is on time.
# - [0,10) is fired and still kept from 15 s to 18 s. Let #10 arrive at 16 s, and #9 happen at 9 s
#   and arrive at 17 s: with #7 that makes three.
# </details>

# %% [markdown]
# The line of text under the picture is what tests are written in: a stream goes in, and what came
# of it goes out. This is the story with a lateness of 4 s:

# %%
from studykit import outcome

print(outcome(simulate(STORY, Policy(bound_ms=4_000, lateness_ms=4_000))))

# %% [markdown]
# ## In Flink this is
#
# ```python
# late = OutputTag("late", row_type)
# windowed = (
#     stream.key_by(card)
#     .window(TumblingEventTimeWindows.of(Time.seconds(10)))
#     .allowed_lateness(3_000)
#     .side_output_late_data(late)
#     .aggregate(total)
# )
# letters = windowed.get_side_output(late)
# ```
#
# The lateness of 3,000 is in milliseconds. <!-- claim: flink-allowed-lateness-in-ms --> An event
# that misses only some of its sliding windows does not appear in `late`; see lesson 04.
# <!-- claim: flink-partial-lateness-is-silent -->

# %% [markdown]
# ## Recall
#
# <details><summary>Window [0,10), lateness 3 s, watermark 12.998 s. An event at 1 s arrives. What
# happens?</summary>
#
# The window is still kept; it is purged at 12.999 s. The event is counted, the window fires again,
# and its result is corrected.
# </details>

# %% [markdown]
# <details><summary>Somebody doubles the allowed lateness, and the totals in a report grow by a
# tenth, for ever. What is wrong?</summary>
#
# Probably not the lateness. There are more corrections now, and the sink adds them up instead of
# overwriting.
# </details>

# %% [markdown]
# <details><summary>A job counts no late events at all. Is that good news?</summary>
#
# Only if somebody counts. Look at the dead letters and at the bound: perhaps nothing is late
# because every result waits for very long.
# </details>

# %% [markdown]
# <details><summary>Find the line of your engine that keeps law 2. Construct the smallest stream on
# which a sink that adds up breaks it.</summary>
#
# `tell`: the same key and window, a revision one higher. With a bound of 4 s and a lateness of 3 s:
# 5 at 2 s, 8 at 14 s, 1 at 9 s. The rows are 5 and then 6; a sink that adds has 11.
# </details>
