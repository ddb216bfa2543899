"""The services without Docker: a real Kafka broker and a real Redis server, in the background.

Begin with `up.py`. `flink/` adds a cluster, `supervision/` starts and ends processes, `network/`
has ports and HTTP; `kills/`, `feast/`, `live/`, `sinks.py`, `burst.py`, `own_*.py`
and `skewed_store.py` serve single lessons.
"""
