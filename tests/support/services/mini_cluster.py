"""One Flink cluster inside this process's Java, for all the jobs of a test run that run there.

By itself Flink starts one for each job and throws it away, with every class that it has loaded and
compiled for it: of a small job that is more than half of the processor time. What a job computes
does not depend on it. Lessons and entry points run with a cluster for each job; what tests start as
a process of its own does so, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment

_SLOTS: Final = 8
"""More than any job needs."""

_OF_CLUSTER: Final = ("metrics.", "rest.", "taskmanager.")
"""How the options begin that a cluster reads, and not a job."""

_OPTIONS: Final = {
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "rest.bind-port": "0",
    # By slot as much as a job of one slot has by itself.
    "taskmanager.memory.managed.size": f"{_SLOTS * 128} mb",
}


@pytest.fixture(scope="module", autouse=True)
def mini_cluster(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the module's jobs share the cluster, where any of its tests starts Java."""
    items = request.session.items
    if not any(item.get_closest_marker("jvm") for item in items if item.path == request.path):
        yield
        return
    from pyflink.datastream import StreamExecutionEnvironment  # noqa: PLC0415 - seconds to load

    with pytest.MonkeyPatch.context() as patch:
        make = StreamExecutionEnvironment.get_execution_environment
        patch.setattr(
            StreamExecutionEnvironment, "get_execution_environment", staticmethod(_sharing(make))
        )
        yield


def _sharing(
    make: Callable[[Configuration | None], StreamExecutionEnvironment],
) -> Callable[[Configuration | None], StreamExecutionEnvironment]:
    """Return `make`, whose environments hand their jobs to the cluster.

    They are local ones as they are made, so that Python functions run in threads of this process.
    One whose options say something of its cluster gets that cluster of its own.
    """

    def make_sharing(configuration: Configuration | None = None) -> StreamExecutionEnvironment:
        env = make(configuration)
        options = configuration.to_dict() if configuration else {}
        if not any(name.startswith(_OF_CLUSTER) for name in options):
            env.configure(_configuration({"execution.target": "remote", **_place()}))
        return env

    return make_sharing


@cache
def _place() -> dict[str, str]:
    """Start the cluster, which ends with Java; return where it is, as options."""
    from pyflink.java_gateway import get_gateway  # noqa: PLC0415

    java = get_gateway().jvm.org.apache.flink.runtime.minicluster
    options = _configuration(_OPTIONS)._j_configuration
    builder = java.MiniClusterConfiguration.Builder().setConfiguration(options)
    cluster = java.MiniCluster(builder.setNumSlotsPerTaskManager(_SLOTS).build())
    cluster.start()
    address = cluster.getRestAddress().get()
    return {"rest.address": address.getHost(), "rest.port": str(address.getPort())}


def _configuration(options: dict[str, str]) -> Configuration:
    from pyflink.common import Configuration  # noqa: PLC0415

    configuration = Configuration()
    for name, value in options.items():
        configuration.set_string(name, value)
    return configuration
