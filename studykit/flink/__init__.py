"""Flink for lessons: in this process, and as the production job beside them."""
