"""Structured logs: one JSON object a line, with the keys that Flink's Java processes use, too."""

from __future__ import annotations

import logging
from typing import Any

import msgspec


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, job, message, and the keys of `extra["context"]`."""

    def __init__(self, job: str) -> None:
        super().__init__()
        self._job = job

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time_ms": int(record.created * 1_000),
            "level": record.levelname.lower(),
            "job": self._job,
            "message": record.getMessage(),
            **getattr(record, "context", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def start_logging(job: str) -> logging.Logger:
    """Log JSON lines to standard error; return the logger of `job`.

    A line's context is given as `extra={"context": {...}}`. No line is written for a single event.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines(job))
    logger = logging.getLogger(job)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # The job tells once that a broker is away; kafka-python would tell it at every attempt.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    return logger
