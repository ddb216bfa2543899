"""A broker and a store of a lesson's own: fresh at the start, and gone at the end."""

from __future__ import annotations

import shutil
from pathlib import Path

from studykit.services.kafka import Kafka
from studykit.services.network.ports import free_port
from studykit.services.redis import Redis
from studykit.services.supervision.leash import hold_leash
from studykit.workspace import Workspace


class OwnServices:
    """A Kafka and a Redis on free ports, in a workspace that is removed at the end.

    A learner's topics and keys are neither read nor written. A subclass that starts programs, too,
    ends them in `stop_programs`.
    """

    def __init__(self, home: Path) -> None:
        """Work in the folder `home`, which is removed at the end; nothing starts before `start`."""
        self.workspace = Workspace(home)
        self.kafka = Kafka(self.workspace, free_port())
        self.redis = Redis(self.workspace, free_port())

    def start(self) -> str:
        """Start an empty Kafka and an empty Redis; what an earlier run left behind is removed.

        Raises:
            StudyError: Kafka or Redis does not start.
        """
        self.stop()
        hold_leash()  # both end with this process, also where nobody calls `stop`
        self.kafka.start()
        self.redis.start()
        return "Kafka and Redis answer"

    def stop(self) -> str:
        """End the programs, Redis and Kafka, and remove all that they have kept."""
        # Programs first: one without a broker would wait for it, and end late.
        stopped = [self.stop_programs(), self.redis.stop(), self.kafka.stop()]
        shutil.rmtree(self.workspace.home, ignore_errors=True)
        return "stopped and removed" if any(stopped) else "nothing was running"

    def stop_programs(self) -> bool:
        """End the programs that work with the services; return whether one was running."""
        return False
