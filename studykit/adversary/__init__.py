"""An adversary for windowed jobs: it looks for the smallest log on which a job is wrong.

`logs` draws logs whose times lie on the boundaries of windows and watermarks, and makes a log
smaller. `jobs` runs anybody's job over many logs: a Python function, a Python class, or a file of
Flink SQL. `truth` says what the engine makes of a log, and `search` compares the two.
"""
