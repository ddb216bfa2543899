"""Commands run by a user with fewer rights, for whom only lower levels of isolation work."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

USER = 63_999
CLONE = Path(__file__).parents[3]
_DOCKER = """CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW
SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP"""


def as_ordinary_user(*words: str) -> list[str]:
    """Return a command that runs `words` as a user who is not root.

    Where root's own folders hold Python or the clone, they are put into view for the command.
    """
    if os.geteuid() != 0:
        return list(words)
    drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return [_bwrap(), "--dev-bind", "/", "/", *_opened(), "--cap-add", "ALL", *drop, *words]


def as_root_of_a_container(*words: str) -> list[str]:
    """Return a command that root starts with the rights that Docker leaves it."""
    kept = [word for name in _DOCKER.split() for word in ("--cap-add", f"CAP_{name}")]
    return [_bwrap(), "--dev-bind", "/", "/", *_opened(), "--cap-drop", "ALL", *kept, *words]


def _opened() -> list[str]:
    words: list[str] = []
    closed = [path for path in _needed() if not _open_to_all(path)]
    for top in sorted({Path("/", path.parts[1]) for path in closed}):
        words += ["--perms", "0755", "--tmpfs", str(top)]
    for path in closed:
        for parent in reversed(path.parents[:-2]):
            words += ["--perms", "0755", "--dir", str(parent)]
        words += ["--ro-bind", str(path), str(path)]
    return words


def _needed() -> list[Path]:
    return list(dict.fromkeys(map(Path, (sys.base_prefix, sys.prefix, CLONE))))


def _open_to_all(path: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


def _bwrap() -> str:
    return shutil.which("bwrap") or "bwrap"
