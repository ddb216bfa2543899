"""Python for the browser in one folder: Pyodide's own files, the wheels, and a lock of them."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from studykit.errors import StudyError
from studykit.files import file_lock
from studykit.site.downloads import download
from studykit.site.wheels import Wheel, wheels, wheels_named

_HERE: Final = Path(__file__).parent
_CORE: Final = (
    "pyodide.js",
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
)
_KERNEL: Final = ("ipykernel", "piplite", "pyodide_kernel")
"""Wheels that jupyterlite-pyodide-kernel brings."""


def assemble(folder: Path, cache: Path) -> list[str]:
    """Fill a folder with all that Python in the browser needs, and return the packages' names.

    Args:
        folder: Where the files go; the address of this folder is Pyodide's `indexURL`.
        cache: Where downloads are kept for the next time.

    Raises:
        StudyError: Something cannot be downloaded, or a package is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(cache / "site.lock"):  # two builds share what is downloaded and written there
        core = npm_package("pyodide", cache)
        for name in _CORE:
            shutil.copy(core / name, folder)
        every = [*wheels(cache / "wheels"), *_kernel_wheels()]
        for wheel in every:
            shutil.copy(wheel.path, folder)
        entries = {wheel.name: _entry(wheel, every) for wheel in every}
    original = json.loads((core / "pyodide-lock.json").read_text("utf-8"))
    lock = {"info": original["info"], "packages": entries}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock, indent=1, sort_keys=True))
    return [wheel.name for wheel in every]


def _entry(wheel: Wheel, every: Sequence[Wheel]) -> dict[str, Any]:
    """Return what Pyodide's lock says of a wheel."""
    there = {other.name for other in every}
    return {
        "name": wheel.name,
        "version": wheel.version,
        "file_name": wheel.path.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.path.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": wheel.modules,
        "depends": [name for name in wheel.needs if name in there],
        "unvendored_tests": False,
    }


def _kernel_wheels() -> list[Wheel]:
    folder = Path(sys.prefix) / "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension"
    return wheels_named(folder / "static" / "pypi", _KERNEL)


def npm_package(name: str, cache: Path, lock: Path = _HERE) -> Path:
    """Return the folder of a package of a `package-lock.json`, with which npm has compared it.

    Args:
        name: The package.
        cache: Where packages are kept for the next time.
        lock: The folder of that file and of `package.json`.

    Raises:
        StudyError: npm is missing, or cannot download the packages.
    """
    folder = cache / "npm"
    found = folder / "node_modules" / name
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (lock / "package-lock.json").read_text("utf-8")
    stamp = folder / "installed.lock"  # written last: npm may be stopped half-way
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return found
    for file in "package.json", "package-lock.json":
        shutil.copy(lock / file, folder)
    npm = Path(sys.prefix) / "bin" / "npm"
    if not npm.exists():
        raise StudyError("npm is not installed, which the site needs: scripts/install.sh --all")
    download([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], name, folder)
    stamp.write_text(wanted, "utf-8")
    return found
