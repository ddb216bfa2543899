"""The fraud windows once more, in Flink's DataStream API, to compare the SQL form with.

`job.py` is the entry point. `windows.py` leaves all to Flink's window operator, `timers.py` has
every rule in plain sight, and `payments.py` holds what both share.
"""
