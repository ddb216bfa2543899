"""What a running job shows: health, metrics over HTTP, and logs.

`health.py` knows what is wrong, `server.py` serves it beside the metrics, `logs.py` writes JSON
lines, and `page.py` reads a page of metrics.
"""
