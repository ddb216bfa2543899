"""The edges of the system: Kafka, Redis, dead letters and log files. Thin and replaceable."""
