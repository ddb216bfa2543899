"""The streaming system: fraud and personalization features from Kafka into a Redis store.

Begin with `processor/partition.py`: one Kafka partition, an event-time stream of its own. Then:

- `events.py`: what a record may hold; `dead_letter.py`: what is kept of records not counted.
- `utils/watermarks.py`, `engine/`: event time and windows, pure. `features/`: what is computed.
- `connectors/`: Kafka, Redis and files. `monitoring/`: health, metrics over HTTP, logs.
- `processor/`, started by `stream_processor.py`: the execution in plain Python.
- `job/`, `sql/`, `runtime/`, started by `feature_job.py`: the execution on Flink.
- `datastream/`: fraud windows with Flink's DataStream API. `simulator/`: seeded event streams.
- `inspection/`: what a person asks of a log, such as why a value is what it is.
- `config.py`, `entry.py`, `errors.py`: settings, flags, and the mistakes that a person can mend.
"""
