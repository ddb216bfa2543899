"""The development processor: Kafka partitions through the engine, in one plain Python process.

Begin with `partition.py`: the event-time stream of one partition, pure, and `lane.py`, its part for
one feature set. `replay.py` runs partitions over a log file. Over Kafka `loop.py` runs them:

- `assignment.py`: which partitions are this process's; `log_watch.py`: whether their logs are
  whole.
- `commits.py`, `committer.py`: the commit that is the state, and when it is made.
- `delivery.py`: into the store and to the broker; `patience.py`: how long either is waited for.
- `workers.py`: several such processes on one machine, watched as one.
- `attention.py`, `metrics.py`: what is told. `garbage.py`: how often Python collects it.
"""
