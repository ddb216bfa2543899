"""Questions that a person asks of a log: why a value is what it is, what a stream looks like.

`answer.py` answers why: an `inquiry.py` sends the log along a `trail.py` for each partition, and
`explanation.py` puts the answer together. `letters.py` reads dead letters, and `redelivery.py`
sends back those that can be counted now. `profile.py` measures any stream of JSON events.
"""
