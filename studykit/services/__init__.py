"""The services without Docker: a real Kafka broker and a real Redis server, in the background."""
