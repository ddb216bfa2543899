# %% [markdown]
# # Recovery
#
# After this lesson you can say what a checkpoint has to hold, find the moments at which a job
# may not be killed, and kill one at any of them without a difference in its answers.
# <!-- no claim: ours -->
#
# <!-- teaches: 39 46 47 51 54 55 56 57 60 61 62 63 64 65 66 -->
#
# About 45 minutes. Needs lessons 01 to 07. Section 7 starts a Kafka and a Redis, kills a program
# five times, and stops everything again: about a minute. <!-- no claim: ours -->

# %% [markdown]
# Four laws:
#
# 1. A checkpoint is one moment: the state, and the place in every log up to which it is the
#    state. <!-- no claim: ours -->
# 2. Write first, then commit. What was written after the last commit is written again.
# 3. Whatever decides an answer is in the log or in the state. Nothing else comes back.
# 4. State has an address that a restart finds again: a name, and a hash that never changes.

# %% [markdown]
# The way:
#
# 1. The kill map
# 2. The checkpoint of your engine
# 3. What comes back, and what does not
# 4. Two inputs, one moment
# 5. A record that kills
# 6. Tomorrow's job is another one
# 7. kill -9, five times

# %% tags=["setup"]
import zlib
from random import Random

from studykit import (
    DESIGNS,
    STORY,
    Predict,
    Stepper,
    keyed_state,
    kill_map,
    killed_everywhere,
    typed_before,
)
from studykit.checks import typed
from studykit.services.kills.rig import KillRig

Engine = typed_before("09")["Engine"]

# %% [markdown]
# ## 1. The kill map
#
# What does a job remember after `kill -9`? That is the central question, and the answer is short:
# what it has written down. Memory is gone, and nobody was asked to tidy up.
#
# Eight payments are counted in windows of 10 s. Payment #4 closes the first window and #6 the
# second: then a row has to be written. There is **one** checkpoint, after a payment of your
# choice. <!-- no claim: ours --> And there is one kill, at a moment of your choice. Afterwards
# the job begins again from what it finds, and reads to the end. What is in the sink?

# %% [markdown]
# Each payment takes four steps. It is read from the log and counted; the row that is due, if
# any, is *written* to the sink; and where the checkpoint is due, it is made: the job *commits*.
# <!-- no claim: ours --> The last two come in one order or in the other. That makes 33 moments
# and 9 places for the checkpoint: 297 kills, and the map shows them all.
# <!-- no claim: ours -->
#
# The job that most people write first makes the checkpoint as soon as it has counted, and then
# writes. <!-- no claim: ours -->

# %% tags=["widget"]
kills = killed_everywhere()
Predict(
    "Commit, then write: how many of the 297 kills leave a wrong sink?",
    [0, 2, 92, 280],
    kills.wrong("commit, then write"),
    "Wrong is only a kill between the commit and the write of a payment that closes a window.",
    reveal=Stepper(
        kills, kill_map, step=15, stills=[15], design="commit, then write", checkpoint=4
    ),
)

# %% [markdown]
# Two in 297, and a whole window is missing in each: the checkpoint says that #4, or #6, has been
# dealt with, and the row was never written. <!-- no claim: ours --> No test will find that by
# chance, and a year of production will. Now look at the other designs: choose one, move the kill,
# move the checkpoint. <!-- no claim: ours --> *Jump by write/commit* goes to the moments between
# the two.

# %% tags=["widget", "predict"]
Stepper(
    kills, kill_map, step=22, stills=[22], design="write, then commit, add up", checkpoint=3
)  # fmt: skip

# %%
for design in DESIGNS:
    print(f"{design.name:<28} {kills.wrong(design.name):>4} of 297 wrong")

# %% [markdown]
# What each design does with a kill:
#
# - **State only**: the reader goes on where *it* was. What it had read since the checkpoint is
#   in no state. <!-- no claim: ours --> Wrong nearly everywhere, and right when nobody is killed.
# - **Offset only**: the windows that were open at the checkpoint begin again, half empty.
#   <!-- no claim: ours -->
# - **Write, then commit, add up**: nothing is lost, and what was written since the checkpoint is
#   written again. <!-- no claim: ours --> A sink that adds counts it twice.
# - **Replace**: it is written again, and is the same. The only empty map.

# %% [markdown]
# These are the three promises that people speak of. **At most once** commits first, and may lose.
# **At least once** writes first, and may repeat. **Exactly once** means that the *effect* comes
# once: written twice, counted once (law 2). No order of two steps makes a crash between them
# impossible; only a sink that takes a repetition does. Lesson 10 is about such sinks.
#
# One thing was taken for granted: that #4 can be read again. A log keeps its records, however often
# they are read. <!-- claim: kafka-reading-removes-nothing --> A socket does not, and no checkpoint
# brings back what a source cannot repeat. <!-- no claim: ours -->

# %% [markdown]
# ## 2. The checkpoint of your engine
#
# Your engine holds a watermark, totals, revisions and timers. All of it has to be saved as **one
# moment**, and copied, because the engine goes on changing it. **Type it**, in this order:


# %% tags=["engine"]
from copy import deepcopy


class Engine(Engine):
    """All that decides an answer: a checkpoint is this, and the offset that belongs to it."""

    def saved(self):
        # BEGIN SOLUTION a copy of the four things, as a tuple
        return deepcopy((self.watermark_ms, self.totals, self.revisions, self.timers))
        # END SOLUTION

    def restore(self, saved):
        # BEGIN SOLUTION the four things, from a copy of saved
        self.watermark_ms, self.totals, self.revisions, self.timers = deepcopy(saved)
        # END SOLUTION


# %% tags=["check"]
Engine = typed.checked("09", Engine)

# %% [markdown]
# The rows are not in it: they are the sink's. Here the sink replaces the row of the same key,
# window and revision. Now the ten events of the story, a checkpoint after every third, and a kill
# after each event in turn. <!-- no claim: ours -->


# %%
def survived(engine_class, kill, every=3):
    sink, checkpoint = {}, (0, engine_class(4_000, 10_000, lateness_ms=3_000).saved())
    for until in (kill, len(STORY)):  # the first run is killed, the second reads to the end
        (offset, state), engine = checkpoint, engine_class(4_000, 10_000, lateness_ms=3_000)
        engine.restore(state)
        for number, event in enumerate(STORY[offset:until], start=offset + 1):
            engine.on_event(event.key, event.event_ms, event.value)
            sink |= {row[:4]: row for row in engine.rows}  # write
            if number % every == 0:
                checkpoint = number, engine.saved()  # then commit
    engine.end()
    return sorted((sink | {row[:4]: row for row in engine.rows}).values())


undisturbed = survived(Engine, kill=0)
print(*undisturbed, sep="\n")
print("right after a kill:", [survived(Engine, kill) == undisturbed for kill in range(11)])

# %% [markdown]
# Eleven kills, and no difference. The course's tests do the same with thousands of payments. Your
# engine has grown by four lines:

# %%
from studykit import EngineSoFar

EngineSoFar("09")

# %% [markdown]
# **Predict**: somebody leaves the watermark out of the checkpoint. <!-- no claim: ours --> It
# comes back by itself with the next event, does it not? After which kills do rows differ?


# %% tags=["predict"]
class Forgetful(Engine):
    def restore(self, saved):
        super().restore((-(10**18), *saved[1:]))


for kill in range(11):
    differ = set(undisturbed) ^ set(survived(Forgetful, kill))
    print(f"killed after {kill:>2}:", sorted(differ) or "right")

# %% [markdown]
# Three of eleven. Killed after #6, the job does not know that the window of #7 has been told: a
# correction is missing. Killed after #9 or #10, it does not know that the window of #10 is purged:
# it opens the window anew, and replaces a total of 9 by 2. The watermark does come back, with the
# next *newest* event. Until then everything passes as on time.

# %% [markdown]
# This is no toy. The usual way to find late rows in Flink SQL asks for `CURRENT_WATERMARK`,
# <!-- no claim: other --> and after a restart that is null until there is a watermark again.
# <!-- claim: flink-current-watermark-is-null-at-first --> The windows behind it do have theirs, and
# drop the row without a word: a job that loses events only when it recovers.

# %% [markdown]
# Compare two files of the name `judged.sql`: [the
# textbook's](../studykit/flink/textbook/judged.sql) and [the production
# job's](../flink_jobs/sql/judged.sql). The second judges by `seen_ms`, the largest event time
# of the partition, which is *state* and comes back with the checkpoint. <!-- no claim: ours -->
#
# The development processor saves no state at all: its state is a function of the log. It commits an
# offset and two numbers; read `ResumePoint` in
# [partition.py](../flink_jobs/processor/partition.py). The watermark is in it as `max_seen_ms`:
# without that line the map would have wrong cells here, too.

# %% [markdown]
# ## 3. What comes back, and what does not
#
# Law 3: whatever decides an answer is in the log or in the state. A clock on the wall is in
# neither, and so is a random number. Here is a job that looks at one payment in four, and marks
# what it does at night. It is killed at #5, and reads #4 to #8 again. **Predict**: which columns
# agree with an undisturbed run?


# %% tags=["predict"]
def looked_at(numbers, started_at_hour):
    draw = Random(7)
    for place, number in enumerate(numbers):
        yield {
            "seeded random": draw.random() < 0.25,
            "every fourth": place % 4 == 0,
            "wall clock": started_at_hour + place / 10 >= 22,
            "hash of the event": zlib.crc32(f"payment {number}".encode()) % 4 == 0,
        }


undisturbed_looks = list(looked_at(range(1, 9), started_at_hour=21.5))
again = list(looked_at(range(4, 9), started_at_hour=22.5))
for column in again[0]:
    same = [row[column] for row in again] == [row[column] for row in undisturbed_looks[3:]]
    print(f"{column:>17}: {'the same' if same else 'another answer'}")

# %% [markdown]
# A seed does not help: the restart draws from its beginning, for other payments. Nor does counting,
# unless the count is in the state. What helps is to decide from the event itself, by a hash that is
# the same everywhere.
#
# The same goes for whatever the job asks on the way: a table of rates (lesson 08), a model, a flag.
# Rules that are **broadcast**, sent to every worker, come in no fixed order with the events. A
# worker that met the rule before the payment may meet it after the payment in the replay. So give a
# rule a time from which it holds, and keep the rules in the state.

# %% [markdown]
# ## 4. Two inputs, one moment
#
# A job with one log notes one offset. With two inputs and several operators, what is "one moment"?
# Nobody may stop them all. The answer travels in the stream: the sources put a **barrier** between
# two records, as they do with watermarks. Before it is what belongs to the checkpoint, behind it
# what does not. <!-- claim: flink-checkpoint-barriers --> <sup>[source: Flink, stateful stream
# processing](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/concepts/stateful-stream-processing/)</sup>

# %% [markdown]
# An operator with two inputs gets two barriers, and not at once. Which side is first is chance, and
# it may be the other one in the next run. So the operator **aligns**. The input whose barrier has
# come waits; the other one is read on. When both are there, the state is saved. Do it by hand: `|`
# is the barrier, and the operator adds up.


# %%
def barriers(arrivals, align):
    total, passed, waiting = 0, set(), []
    for side, what in arrivals:
        if what == "|":
            passed.add(side)
            if len(passed) == 2:
                break
        elif side in passed and align:
            waiting.append((side, what))
        else:
            total += what
    return total, waiting


arrivals = [("left", 1), ("left", "|"), ("left", 2), ("right", 10), ("left", 4), ("right", "|")]
print("saved and waiting, aligned:", barriers(arrivals, align=True))

# %% [markdown]
# **Predict**: without alignment, what is saved, and what is counted twice after a restart from it?

# %% tags=["predict"]
total, _ = barriers(arrivals, align=False)
print("saved without alignment:", total)
behind_the_barriers = 2 + 4
print("and the sources send again what is behind their barriers:", total + behind_the_barriers)

# %% [markdown]
# The saved total of 17 knows the 2 and the 4, and the left source sends them again: at least once.
# Aligned, it is 11, and with the 2 and the 4 it becomes 17.
#
# The price is waiting. If the right input is slow, the left one stands still, though nothing is
# wrong with it: alignment makes the *faster* input wait. Where records queue before a slow
# operator, barriers queue with them, and a checkpoint takes minutes. <!-- no claim: ours -->
#
# An **unaligned** checkpoint lets a barrier overtake the records, and saves those that it has
# overtaken as part of the state: quicker, and larger. <!-- no claim: ours --> Flink aligns unless
# told otherwise. <!-- claim: flink-checkpoints-are-aligned-by-default -->

# %% [markdown]
# ## 5. A record that kills
#
# A job that fails is started again, from its checkpoint. <!-- no claim: ours --> That cures a
# broker that was away for a moment. <!-- no claim: ours --> Now there is a record that no
# restart can read:


# %%
def run(log, restarts, dead_letters=None):
    offset, total = 0, 0  # the checkpoint: after every record
    for attempt in range(restarts + 1):
        try:
            for place in range(offset, len(log)):
                total += int(log[place])
                offset = place + 1
            return f"done, total {total}"
        except ValueError:
            print(f"  attempt {attempt + 1} fails at offset {offset}")
            if dead_letters is not None:
                dead_letters.append((offset, log[offset]))
                offset += 1
    return f"given up at offset {offset}, total {total}"


print(run(["5", "9", "oops", "3"], restarts=3))

# %% [markdown]
# It fails, comes back to the same record, and fails. A **restart strategy** says how often and how
# soon; with more attempts the loop is longer, with longer pauses the lag grows, and the *next*
# records, which are fine, are read by nobody. A restart cures what passes. It does not cure data.
#
# To skip the record is no cure either: then a payment is gone, and nobody knows. It becomes a
# **dead letter**, with its place, and the job goes on:

# %%
letters = []
print(run(["5", "9", "oops", "3"], restarts=3, dead_letters=letters), "and", letters)

# %% [markdown]
# ## 6. Tomorrow's job is another one
#
# The same state, and other machines: more workers, a new version, a new operator. How does each
# piece find its place? Three **kinds** of state, three ways to be shared out:
#
# | kind | example | with more workers |
# |---|---|---|
# | of a key | the totals of a card | goes to where the key's *group* goes |
# | of an operator | the offsets of a source | a list, dealt out anew |
# | broadcast | the rules | everybody gets all of it |
#
# An attribute of an object is none of the three, and stays behind.

# %% [markdown]
# A key belongs to one of 128 groups for good, and a worker has a range of groups (lesson 07).
# So a checkpoint is read in ranges, and no key is hashed anew. <!-- no claim: ours -->
# **Predict** how many of 1,000 cards change their worker when three become four: by groups, and
# by `hash % workers`.

# %% tags=["predict"]
cards = [f"card {number}" for number in range(1_000)]
place = keyed_state.place_of
by_group = sum(place(card, 3).subtask != place(card, 4).subtask for card in cards)
code = {card: zlib.crc32(card.encode()) for card in cards}
by_rest = sum(code[card] % 3 != code[card] % 4 for card in cards)
print("by groups:", by_group, " by hash % workers:", by_rest)

# %% [markdown]
# By groups it is half, in whole ranges. By the rest it is three quarters, one by one. And with
# Python's own `hash` of a text it is nearly all of them, at *every* restart: it is another
# number in each process, so the state of a card lies where nobody asks for it.
#
# The number of groups is the largest number of workers there can ever be, and it cannot be changed
# afterwards. Choose it before the first checkpoint. <!-- no claim: ours -->

# %% [markdown]
# **Names.** A saved state says to which operator it belongs. Give each one a name of your own, its
# *uid*: names that are made up from the shape of the job change when an operator is added. State
# that nobody claims stops the start; Flink drops it only if it is told to.
# <!-- claim: flink-unclaimed-state-stops-the-start -->

# %% [markdown]
# **Shapes.** A checkpoint holds bytes. <!-- no claim: ours --> Where they lie while the job
# runs, on the heap or on disk, is the *backend*'s matter, and each read from disk turns bytes
# into an object again. In Python state is often pickled: rename a class or a field, and the
# bytes of yesterday cannot be read. Keep plain values, with a version beside them.

# %% [markdown]
# **Who asked for it.** A *checkpoint* is made by the job and belongs to it; when the job is
# cancelled, Flink keeps it only where it was told to.
# <!-- claim: flink-keeps-checkpoints-of-a-cancelled-job-on-request --> A *savepoint* is asked
# for by a person, and stays until a person deletes it. <!-- no claim: ours --> "Cancel loses
# everything" is a setting, not a law.

# %% [markdown]
# **A backfill** computes last year with the new job, and then the live job takes over. At the
# seam a payment may be in both, or in neither. Law 1 again: the bootstrap ends at an offset,
# and the live job begins at exactly that offset. A seam at a *time* is none, for late events
# lie on both sides.

# %% [markdown]
# ## 7. kill -9, five times
#
# Now the real one: the development processor, on a real Kafka. <!-- no claim: ours --> The next
# cell starts a Kafka and a Redis in a folder of their own, on free ports; <!-- no claim: ours -->
# what you have started with `make up` is neither read nor written. It takes about ten seconds.

# %% tags=["needs-services", "slow"]
rig = KillRig()
print(rig.start())

# %% [markdown]
# Five times: 1,500 payments are sent, the processor is started, and once it has written some
# rows it is killed with `kill -9`, at a moment that a draw has chosen. A sixth processor reads
# what is left. Then every row in the topic is compared with what the log says. It takes about half
# a minute.
#
# **Predict** how many rows are lost or wrong.

# %% tags=["needs-services", "slow", "predict"]
result = rig.kill_processor(times=5)
print(result)

# %% [markdown]
# No difference. Rows that were written just before a kill came again, and were the same rows, with
# the same revision: `result.repeated` says how many. It is another number on each run, and it does
# not matter. That is what exactly once means.
#
# The last cell stops everything, and removes what it has kept:

# %% tags=["needs-services", "slow"]
print(rig.stop())

# %% [markdown]
# ## Break it
#
# - In `survived`, commit before you write: swap the two lines. Which kills are wrong?
# - Leave the timers out of `saved`. What do you see, and when?
# - Let the checkpoint hold `self.totals` instead of a copy. <!-- no claim: ours --> Which kills
#   show it?


# %% tags=["predict"]
class WithoutTimers(Engine):
    def restore(self, saved):
        super().restore((*saved[:3], []))


class NoCopy(Engine):
    def saved(self):
        return self.watermark_ms, self.totals, self.revisions, self.timers


for broken in (WithoutTimers, NoCopy):
    wrong = [kill for kill in range(11) if survived(broken, kill) != undisturbed]
    print(f"{broken.__name__:>13}: wrong after {wrong or 'no kill'}")

# %% [markdown]
# <details><summary>Answers</summary>
#
# With the two lines swapped a kill *between* them would lose rows; this loop kills only between
# events, so all eleven stay right, and the mistake goes unseen. That is why the map has four
# steps for a payment. Without timers a window that was open at the checkpoint never fires and
# is never freed: rows are missing, and state is left at the end. <!-- no claim: ours -->
# Without a copy the checkpoint goes on counting: what lies between checkpoint and kill is in
# the totals, and is counted again. <!-- no claim: ours --> </details>

# %% [markdown]
# ## In Flink this is
#
# One setting, the interval: checkpoints are off until there is one.
# <!-- claim: flink-checkpoints-are-off-by-default --> The offsets of the Kafka source are part of
# the checkpoint, and what is also committed to Kafka is for people who watch.
# <!-- claim: flink-kafka-offsets-are-in-the-checkpoint --> <sup>[source: Flink, Kafka
# connector](https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/connectors/datastream/kafka/)</sup>
# So whoever resets the group's offsets resets nothing. The production job goes on from the newest
# checkpoint or savepoint, whether it was killed or stopped.
# <!-- claim: flink-goes-on-from-its-checkpoint -->

# %% [markdown]
# ## Recall
#
# <details><summary>Find the line of <code>survived</code> that keeps law 2. What is the smallest
# change that breaks it?</summary>
#
# The line with `# write` stands before the one with `# then commit`. Swapped, a kill between them
# loses a row.
# </details>

# %% [markdown]
# <details><summary>Construct the smallest log on which a checkpoint without the watermark gives a
# wrong row.</summary>
#
# Two events: one far in the future, a checkpoint, and then one whose window is over.
# <!-- no claim: ours --> Killed after the checkpoint, the second event passes as on time.
# <!-- no claim: ours --> </details>

# %% [markdown]
# <details><summary>A job fails every two minutes with the same error, and its lag grows. What
# do you look at first?</summary>
#
# At the offset of its checkpoint: if it does not move, one record kills it each time.
# <!-- no claim: ours --> The error says which; it belongs with the dead letters. </details>

# %% [markdown]
# <details><summary>A test kills the job a hundred times between two batches, and all is right. What
# has it not tested?</summary>
#
# The moments inside: between reading and counting, and between writing and committing.
# </details>
