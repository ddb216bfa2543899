"""Wheels for Pyodide: of what is installed here, of this project, and two from the package index.

What is written in Python alone runs in the browser as it is here, so its wheel is made again from
the files that were installed, whose checksums the lock has verified.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from studykit.errors import StudyError
from studykit.site.downloads import download
from studykit.trace import payments

CLONE: Final = Path(__file__).resolve().parents[2]
LOCK: Final = CLONE / "requirements.lock"
PROJECT: Final = "event-time-lab"
_BROWSER_CODE: Final = Path(__file__).with_name("browser")
_RECORDED: Final = 1_000
"""How many payments of each stream the site has; lessons ask for 600."""

_BROWSER: Final = {
    "python_version": "3.14",
    "python_full_version": "3.14.2",
    "sys_platform": "emscripten",
    "platform_system": "Emscripten",
    "platform_machine": "wasm32",
    "os_name": "posix",
    "extra": "",
}
_DOWNLOADED: Final = {
    "msgspec": ["--platform", "pyemscripten_2026_0_wasm32", "--abi", "cp314"],
    "micropip": ["--platform", "any"],
}
"""Packages that are others here than there, and which of their wheels the browser takes."""
_AT_RUN_TIME: Final = (
    "filelock",
    "kafka-python",
    "platformdirs",
    "prometheus-client",
    "redis",
    "tzdata",
)
"""What the code of lessons and labs imports besides `_DOWNLOADED`."""
_IN_NOTEBOOKS: Final = ("comm", "ipython", "ipywidgets", "anywidget")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel's file, the package's name and version, and the names of what it needs."""

    path: Path
    name: str
    version: str
    needs: tuple[str, ...] = ()

    @property
    def modules(self) -> list[str]:
        """The names that a program imports: the packages and modules at the wheel's root."""
        with zipfile.ZipFile(self.path) as archive:
            tops = {name.partition("/")[0] for name in archive.namelist()}
        return sorted(
            top.removesuffix(".py") for top in tops if top.removesuffix(".py").isidentifier()
        )


def wheels(folder: Path) -> list[Wheel]:
    """Write all wheels that a lab needs in the browser into a folder.

    Raises:
        StudyError: A package is not installed, is not written in Python alone, or cannot be
            downloaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    downloaded = [_downloaded(folder, name, choice) for name, choice in _DOWNLOADED.items()]
    return [*downloaded, *_installed(folder), _own(folder)]


def own_files(folder: Path) -> dict[str, Path]:
    """Return this project's files as the browser has them, each by its name there.

    The sources of the solutions are among them, which checks compare with, and the lessons, whose
    engine grows from one to the next. What needs packages that no browser loads is replaced by what
    does the same there (`studykit/site/browser`).

    Args:
        folder: Where files that have to be made are written.
    """
    sources = ("solutions/src", "*.py"), ("notebooks", "[0-9]*.ipynb")
    files = {
        path.relative_to(CLONE).as_posix(): path
        for top, pattern in (("studykit", "*"), ("flink_jobs", "*"), *sources)
        for path in (CLONE / top).rglob(pattern)
        if path.is_file() and not {"__pycache__", "site"} & set(path.relative_to(CLONE).parts)
    }
    for path in (_BROWSER_CODE / "matplotlib").glob("*.py"):
        files[f"matplotlib/{path.name}"] = path
    for name in ("drawing/canvas.py", "drawing/film.py", "trace/payments.py"):
        files[f"studykit/{name}"] = _BROWSER_CODE / Path(name).name
    files["studykit/trace/payments.json"] = _recorded_payments(folder)
    return files


def _recorded_payments(folder: Path) -> Path:
    """Write what `studykit/site/browser/payments.py` reads."""
    streams = {"QUIET": payments.QUIET, "SLOW": payments.SLOW}
    rows = {
        name: [
            (event.event_ms, event.arrival_ms, event.key, event.value)
            for event in payments.seeded(_RECORDED, disorder=disorder)
        ]
        for name, disorder in streams.items()
    }
    path = folder / "payments.json"
    path.write_text(json.dumps(rows))
    return path


def _own(folder: Path) -> Wheel:
    """Write this project's wheel."""
    version = distribution(PROJECT).version
    path = folder / f"{PROJECT.replace('-', '_')}-{version}-py3-none-any.whl"
    needs = ("msgspec", *_AT_RUN_TIME)
    return _written(path, Wheel(path, PROJECT, version, needs), own_files(folder))


def _installed(folder: Path) -> Iterator[Wheel]:
    """Write the wheels of what is installed here and needed there, each after it is looked at."""
    waiting, seen = [*_AT_RUN_TIME, *_IN_NOTEBOOKS], set(_DOWNLOADED)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen or name in _REPLACED:
            continue
        seen.add(name)
        found = _found(name)
        needs = tuple(_needs(found))
        waiting += needs
        if "Root-Is-Purelib: true" not in (found.read_text("WHEEL") or ""):
            yield replace(_downloaded(folder, name, ["--platform", "any"]), needs=needs)
            continue
        path = folder / f"{name.replace('-', '_')}-{found.version}-py3-none-any.whl"
        files = {
            str(file): Path(str(found.locate_file(file)))
            for file in found.files or ()
            # Not what lies outside of the packages' folder: scripts, settings of JupyterLab.
            if not str(file).startswith("..") and "__pycache__" not in file.parts
        }
        yield _written(path, Wheel(path, name, found.version, needs), files)


_REPLACED: Final = {"jupyterlab-widgets", "widgetsnbextension", "psutil"}
"""What the page has, or the browser has no use for."""


def _found(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise StudyError(
            f"{name} is not installed, which the site needs: scripts/install.sh --all"
        ) from None


def _needs(found: Distribution) -> Iterator[str]:
    for text in found.requires or ():
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        if name not in _REPLACED and (wanted.marker is None or wanted.marker.evaluate(_BROWSER)):
            yield name


def _written(path: Path, wheel: Wheel, files: dict[str, Path]) -> Wheel:
    """Write a wheel whose bytes depend on its files alone, so that a site can be built again."""
    info = f"{path.name.split('-')[0]}-{wheel.version}.dist-info"
    own = {
        f"{info}/METADATA": "Metadata-Version: 2.1\n"
        f"Name: {wheel.name}\nVersion: {wheel.version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    kept = {name: source for name, source in files.items() if ".dist-info/" not in name}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(kept):
            archive.writestr(zipfile.ZipInfo(name), kept[name].read_bytes(), zipfile.ZIP_DEFLATED)
        for name, text in own.items():
            archive.writestr(zipfile.ZipInfo(name), text)
        record = "".join(f"{name},,\n" for name in [*sorted(kept), *own, f"{info}/RECORD"])
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), record)
    return wheel


def _downloaded(folder: Path, name: str, choice: Sequence[str]) -> Wheel:
    """Fetch the wheel of the lock's version that pip's words of `choice` admit, once."""
    version, locked = _locked(name)
    pattern = f"{name}-{version}-*.whl"
    for found in folder.glob(pattern):
        if hashlib.sha256(found.read_bytes()).hexdigest() in locked:
            return Wheel(found, name, version)
        found.unlink()  # half a file, of a download that was stopped
    requirement = folder / f"{name}.txt"
    requirement.write_text(locked)
    options = "--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", folder
    pip = sys.executable, "-m", "pip", "download", "--disable-pip-version-check", *options
    asked = "--python-version", "3.14", *choice, "--requirement", requirement
    download([*pip, *asked], f"the wheel of {name} {version}")
    return Wheel(next(folder.glob(pattern)), name, version)


def _locked(name: str) -> tuple[str, str]:
    """Return version and requirement of a package in the lock, without its marker."""
    text = LOCK.read_text()
    match = re.search(
        rf"^{name}==(\S+)[^\\\n]*(\\\n(?: +--hash=\S+(?: \\)?\n)+)", text, re.MULTILINE
    )
    if match is None:
        raise StudyError(f"{name} is not in {LOCK.name}: add it to pyproject.toml, and lock again")
    return match[1], f"{name}=={match[1]} {match[2]}"


def wheels_named(folder: Path, names: Iterable[str]) -> list[Wheel]:
    """Return the wheels of a folder that begin with these names, as what needs nothing."""
    return [
        Wheel(path, canonicalize_name(name), path.name.split("-")[1])
        for name in names
        for path in folder.glob(f"{name}-*.whl")
    ]
