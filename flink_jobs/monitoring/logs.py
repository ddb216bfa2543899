"""Structured logs: one JSON object a line."""

from __future__ import annotations

import logging
from typing import Any

import msgspec


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, job, message, and the context given as `extra`."""

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
    """Log JSON lines to standard error; return the logger of `job`."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines(job))
    logger = logging.getLogger(job)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # That a broker is away is told once, by the job; its client would tell it all the time.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    return logger
