"""A home for Flink: the Python package's own files, and the jars that the production job needs.

Flink looks for its parts in one folder, `FLINK_HOME`. The home that is made here consists of links
to the installed package, so it takes no space, and of the Kafka connector. The package itself stays
as it was installed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from studykit.errors import StudyError
from studykit.files import file_lock
from studykit.services.flink.jars import JarCache, read_lock
from studykit.services.packages import need_flink
from studykit.workspace import Workspace

_COPIED = ("bin", "conf")
"""Folders that are copied: scripts find their home by their own place, and settings get edited."""


def flink_home(workspace: Workspace) -> Path:
    """Return the home for Flink in `workspace`; make it where it is not there yet.

    Raises:
        StudyError: Flink cannot be installed, or the connector cannot be downloaded.
    """
    package = _package()
    jars = JarCache.of_user().ensure(read_lock()["flink"].jars)
    flink = version("apache-flink")
    home = workspace.home / "flink" / "-".join([flink, *(jar.stem for jar in jars)])
    with file_lock(workspace.run / "flink-home.lock"):
        if not _is_whole(home):
            _build(home, package, jars)
    return home


def flink_environ(workspace: Workspace) -> dict[str, str]:
    """Return what makes PyFlink use this home, whatever the environment says of another Flink.

    Raises:
        StudyError: As `flink_home`.
    """
    home = flink_home(workspace)
    folders = {name: str(home / name) for name in ("conf", "lib", "opt", "plugins")}
    return {
        "FLINK_HOME": str(home),
        **{f"FLINK_{name.upper()}_DIR": folder for name, folder in folders.items()},
    }


def java_options(home: Path) -> list[str]:
    """Return the options by which Java lets Flink reach what it hides (`--add-opens` and more)."""
    from pyflink.pyflink_gateway_server import get_jvm_opts  # noqa: PLC0415 - slow to load

    options: list[str] = get_jvm_opts({"FLINK_CONF_DIR": str(home / "conf")})
    return options


def _is_whole(home: Path) -> bool:
    """Return whether the home exists and no link of it dangles: an environment may have moved."""
    links = [*home.glob("lib/*"), *home.glob("opt/*"), home / "plugins"]
    return home.is_dir() and all(link.exists() for link in links)


def _package() -> Path:
    need_flink()
    found = find_spec("pyflink")
    if found is None or not found.submodule_search_locations:
        raise StudyError("PyFlink is damaged: delete .venv, then `make lab`")
    return Path(found.submodule_search_locations[0])


def _build(home: Path, package: Path, jars: Iterable[Path]) -> None:
    """Build in a temporary folder and move it into place: a home is whole or not there."""
    home.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix="flink-", dir=home.parent))
    for name in _COPIED:
        shutil.copytree(package / name, building / name)
    reporters = (package / "plugins").glob("metrics-prometheus/*.jar")
    _link(building / "lib", [*(package / "lib").iterdir(), *jars, *reporters])
    _link(building / "opt", (package / "opt").iterdir())  # a link to the folder is not searched
    (building / "plugins").symlink_to(package / "plugins")
    (building / "log").mkdir()
    building.rename(home)


def _link(folder: Path, files: Iterable[Path]) -> None:
    folder.mkdir()
    for file in files:
        (folder / file.name).symlink_to(file)
