"""The services without Docker: Kafka, Redis and Java as background processes."""
