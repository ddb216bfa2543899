"""What the consumer group decides for this process: its partitions, and how far they are done.

`assignment.py` takes partitions over and gives them back; `commits.py` says what a commit holds and
`committer.py` when it is made; `log_watch.py` watches the logs beneath for any change but growth.
"""
