"""Programs on a real broker that are killed, and what their sinks then hold."""
