"""The edges of the production job: its sources and its sinks.

`kafka.py` is for production: Kafka in, Redis and Kafka out. `files.py` is for a replay: a log file
in, result files out. Both write dead letters with `letters.py`. `store_writer.py` writes to Redis
from Flink's workers; `plain_events.py` gives Flink the event time of a Kafka record.
"""
