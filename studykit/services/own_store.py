"""A store for a moment: a Redis that starts on a free port, and of which nothing remains."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from studykit.services.network.ports import HOST, free_port
from studykit.services.redis import Redis
from studykit.services.supervision.leash import leashed_folder
from studykit.workspace import Workspace

if TYPE_CHECKING:
    import redis


@contextmanager
def own_store() -> Iterator[redis.Redis]:
    """Start a Redis beside whatever runs, give its client, and stop it whatever happens.

    Where the process is killed, its leash stops the server and removes the folder.

    Raises:
        StudyError: No server is installed, or it does not answer.
    """
    import redis  # noqa: PLC0415 - slow to load

    folder = leashed_folder("own-store-")
    service = Redis(Workspace(folder), free_port())
    try:
        service.start()
        with redis.Redis(HOST, service.port) as client:
            yield client
    finally:
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)
