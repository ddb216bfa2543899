"""Questions that a person asks of a log: why a value is what it is, what a stream looks like."""
