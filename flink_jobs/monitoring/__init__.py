"""What a running job shows: health, metrics over HTTP, and logs.

`health.py` knows what is wrong, `server.py` serves it beside the metrics, `logs.py` writes JSON
lines, `page.py` reads a page of
metrics, and `merging.py` adds up the pages of several processes.
"""
