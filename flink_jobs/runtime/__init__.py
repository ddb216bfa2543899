"""What a Flink job runs on: Java, its environment, a cluster, the workers of Python functions."""
