"""What a feature is: definitions, units and null rules.

Begin with `catalog.py`, which lists the feature sets. `transactions.py` and `clickstream.py` define
their features in tables; `travel.py` and `risk.py` hold the two larger definitions; `row.py` is the
form in which Kafka and Redis carry a window's features.
"""
