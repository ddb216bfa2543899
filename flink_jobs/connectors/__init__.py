"""The connectors: Kafka, Redis, log files and result files. Thin and replaceable.

Into the system: `kafka.py` (consumers and what their errors mean), `topics.py`, `log_file.py`. Out
of it: `outbox.py` (to Kafka), `redis.py` (the feature store; `redis_errors.py` says what its errors
mean), `result_files.py`. `security.py` says for all of them how to log in.
"""
