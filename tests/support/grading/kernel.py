"""A Linux kernel of one's own, as a process of this machine: what its init runs sees our files.

It is Debian's user-mode Linux, a real kernel with control groups of version 2, whatever the kernel
below has. It starts in two seconds and ends with what it ran.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = "linux.uml"
CLONE = Path(__file__).parents[3]
GROUPS = "/sys/fs/cgroup"

_INIT = """#!/bin/sh
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 groups {groups}
echo +memory > {groups}/cgroup.subtree_control
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
cd {clone}
timeout {within_s} {python} -m {module} > {room}/answer.json 2> {room}/errors.txt
poweroff -f
"""


def boot(module: str, room: Path, *, within_s: int = 240) -> Any:
    """Run a module of the clone in a fresh kernel; return what it prints, read as JSON.

    Args:
        module: Its name; it runs as root, with a tree of groups that counts memory.
        room: An empty folder for what the kernel needs and leaves.
        within_s: Seconds after which the module is ended.
    """
    if shutil.which(PROGRAM) is None:
        raise RuntimeError(f"{PROGRAM} is missing: install Debian's package user-mode-linux")
    room.chmod(0o755)
    init = room / "init"
    known = {"groups": GROUPS, "clone": CLONE, "python": sys.executable, "room": room}
    init.write_text(_INIT.format(module=module, within_s=within_s, **known), "utf-8")
    init.chmod(0o755)
    words = [PROGRAM, "mem=2G", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "quiet"]
    console = ["con=null", "con0=null,fd:1", f"init={init}"]
    kernel = subprocess.run(
        [*words, *console],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within_s + 60,
        env=os.environ | {"TMPDIR": str(room)},
        check=False,
    )
    answer, errors = room / "answer.json", room / "errors.txt"
    if not answer.exists() or not answer.read_text("utf-8"):
        told = errors.read_text("utf-8") if errors.exists() else kernel.stdout
        raise RuntimeError(f"{module} printed nothing in its kernel: {told[-3_000:]}")
    return json.loads(answer.read_text("utf-8"))
