"""Flink on this machine: its jars, a home to run from, and a cluster of two processes."""
