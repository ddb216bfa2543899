"""What a running job shows: health, metrics over HTTP, and logs.

`symptoms.py` says what is wrong by a job's own numbers, `health.py` holds what is wrong, and
`server.py` serves it beside the metrics. `logs.py` writes JSON lines, `page.py` reads a page of
metrics, and `merging.py` adds up the pages of several processes.
"""
