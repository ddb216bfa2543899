"""The development processor: Kafka partitions through the engine, in one plain Python process.

Begin with `partition.py`: the event-time stream of one partition, pure, and `lane.py`, its part for
one feature set. `replay.py` runs partitions over a log file. Over Kafka `loop.py` runs them:

- `group/`: which partitions are this process's, whether their logs are whole, and the commit that
  is the state.
- `delivery.py`: into the store and to the broker; `patience.py`: how long either is waited for.
- `workers.py`: several such processes on one machine, watched as one.
- `attention.py`, `metrics.py`: what is told. `garbage.py`: how often Python collects it.
"""
