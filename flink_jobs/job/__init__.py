"""The production job: Flink SQL from Kafka, or from files, into Redis and Kafka."""
