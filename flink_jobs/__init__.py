"""The streaming system: fraud and personalization features from Kafka into a Redis store."""
