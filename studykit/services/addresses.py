"""Where Kafka and Redis are: what the environment says, else what runs in the workspace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flink_jobs.config import Settings
from flink_jobs.connectors.security import store_name
from studykit.errors import StudyError
from studykit.services.flink.cluster import JobManager
from studykit.services.kafka import Kafka
from studykit.services.network.ports import HOST
from studykit.services.redis import Redis
from studykit.services.supervision.service import Service
from studykit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are.

    `own_kafka` and `own_redis` say whether the lab starts that service itself; otherwise it belongs
    to the user, and no command here starts or stops it.
    """

    kafka_port: int
    kafka_servers: str
    own_kafka: bool
    redis_host: str
    redis_port: int
    own_redis: bool
    flink_port: int
    metrics_port: int

    @classmethod
    def find(cls, workspace: Workspace, environ: Mapping[str, str] = os.environ) -> Addresses:
        """Return the addresses: `KAFKA_SERVERS`, `REDIS_HOST` and `REDIS_URL` name a user's own.

        Without them, `KAFKA_PORT`, `REDIS_PORT` and `FLINK_PORT` choose; without those, a service
        that runs in `workspace` keeps the one it has.

        Raises:
            StudyError: A port variable is no number from 1 to 65535.
            SettingsError: Another setting of the environment cannot be used.
        """
        kafka_port = _port(Kafka, workspace, environ)
        redis_port = _port(Redis, workspace, environ)
        chosen = Settings.load({**environ, "REDIS_PORT": str(redis_port)})
        own_kafka = not environ.get("KAFKA_SERVERS")
        own_redis = not environ.get("REDIS_HOST") and not chosen.redis_url
        if chosen.redis_url:  # the password in it stays there
            host, _, port = store_name(chosen).rpartition(":")
            chosen, redis_port = replace(chosen, redis_host=host), int(port)
        return cls(
            kafka_port=kafka_port,
            kafka_servers=f"{HOST}:{kafka_port}" if own_kafka else chosen.kafka_servers,
            own_kafka=own_kafka,
            redis_host=HOST if own_redis else chosen.redis_host,
            redis_port=redis_port,
            own_redis=own_redis,
            flink_port=_port(JobManager, workspace, environ),
            metrics_port=_metrics_port(workspace, environ, chosen.metrics_port),
        )

    def environment(self) -> dict[str, str]:
        """Return the settings by which the streaming system reaches these services."""
        return {  # the names of `flink_jobs.config`, so that `export $(study env)` is enough
            "KAFKA_SERVERS": self.kafka_servers,
            "REDIS_HOST": self.redis_host,
            "REDIS_PORT": str(self.redis_port),
            "METRICS_PORT": str(self.metrics_port),
        }


def _metrics_port(workspace: Workspace, environ: Mapping[str, str], chosen: int) -> int:
    """Return `chosen`, unless nobody chose and a cluster runs that reports elsewhere."""
    running = None if environ.get("METRICS_PORT") else JobManager.metrics_port(workspace)
    return chosen if running is None else running


def _port(service: type[Service], workspace: Workspace, environ: Mapping[str, str]) -> int:
    name = service.port_variable()
    if chosen := environ.get(name):
        if chosen.isascii() and chosen.isdigit() and 0 < int(chosen) < 65_536:
            return int(chosen)
        raise StudyError(f"{name}={chosen} is no port: choose a number from 1 to 65535")
    running = service.record(workspace)
    external = name == "REDIS_PORT" and environ.get("REDIS_HOST")
    return running.port if running and not external else service.default_port
