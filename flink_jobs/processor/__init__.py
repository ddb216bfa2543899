"""The development processor: Kafka partitions through the engine, in one plain Python process."""
