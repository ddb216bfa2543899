"""The production job: Flink SQL from Kafka, or from files, into Redis and Kafka.

Begin with `graph.py`, which puts the statements of `sql/` together. Then:

- `functions.py`: the Python functions that the statements call; `spread.py`: which subtask has
  which partition. `edges/`: Kafka, Redis and files at either end.
- `lifecycle.py`, `state.py`, `checkpoint.py`, `notes.py`: a start, a stop, and what a start goes on
  from; `uids.py`: the names by which a changed job finds its operators' state.
- `metrics.py`, `counters.py`: what is counted, and how the counts get out.
"""
